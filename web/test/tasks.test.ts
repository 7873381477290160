import { expect, test } from "vitest";
import { type Task, asField, byWhen, fromField, task } from "@/tasks/tasks";

const NOW = new Date(2026, 5, 1, 12).getTime();
const HOUR = 3_600_000;
const made = (id: string, due: number | null, priority: Task["priority"] = "normal"): Task =>
  task({ id, title: id, priority, state: "open", made_by: "user:me", created_at: NOW, due, version: 1 });

test("tasks stand by when they come up, the sooner and more pressing first", () => {
  const found = [made("tomorrow", NOW + 24 * HOUR), made("some day", null), made("soon", NOW + HOUR), made("late", NOW - 1), made("pump", NOW + HOUR, "urgent")];
  expect(byWhen(found, NOW).map(([name, some]) => [name, some.map(({ id }) => id)])).toEqual([
    ["late", ["late"]],
    ["today", ["pump", "soon"]],
    ["later", ["tomorrow"]],
    ["anytime", ["some day"]],
  ]);
});

test("a moment goes through its field unchanged", () => {
  expect(Date.parse(fromField(asField(NOW)) ?? "")).toBe(NOW);
  expect(asField(NOW)).toBe("2026-06-01T12:00");
  expect(fromField("")).toBeNull();
});
