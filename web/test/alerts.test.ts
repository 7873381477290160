import { expect, test } from "vitest";
import { type Alert, type Comment, alert, pressing, standing, told } from "@/alerts/alerts";

const NOW = Date.parse("2026-06-01T12:00:00Z");
const made = (id: string, more: Partial<Alert> = {}): Alert => ({
  ...alert({ id, rule: "r", severity: "warning", state: "active", message: id, opened_at: NOW, last_at: NOW, count: 1, version: 1 }), ...more,
});

test("what nobody has taken note of comes first, then the worse, then the newer", () => {
  const found = [made("noted", { state: "acknowledged", severity: "critical" }), made("old", { opened_at: NOW - 1 }), made("new"), made("fire", { severity: "critical" })];
  expect(found.toSorted(pressing).map(({ id }) => id)).toEqual(["fire", "new", "old", "noted"]);
});

test("an alert says how bad it is while it holds, and how it ended after", () => {
  expect(standing(made("a", { severity: "critical" }), NOW)).toEqual({ mark: "urgent", told: "Critical" });
  expect(standing(made("a", { state: "cleared", cleared_at: NOW }), NOW, "UTC")).toMatchObject({ mark: "good", told: expect.stringContaining("Ended by itself") as string });
  expect(standing(made("a", { state: "resolved", resolved_by: "x", resolved_at: NOW }), NOW, "UTC").told).toContain("Ended by somebody");
});

test("what was done is told as a sentence, what was said in its own words", () => {
  const one = (kind: string, text = "", by: string | null = null): Comment => ({ id: "c", at: NOW, by, kind, text });
  expect(told(one("assigned", "Aino"))).toBe("Given to Aino by Verger");
  expect(told(one("assigned", "", "key:k"))).toBe("Given back by a program");
  expect(told(one("comment", "Filter is full"))).toBe("Filter is full");
});
