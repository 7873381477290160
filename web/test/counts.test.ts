import { expect, test } from "vitest";
import { type Measures, barsOf, linesOf } from "@/counts/measures";
import { type Survey, ceiling, fileOf, kindShown, periodShown, stacks, starts, suits, sums } from "@/counts/counts";

const survey = (counts: readonly Partial<Survey["counts"][number]>[], names: Record<string, string> = {}): Survey => ({
  timezone: "Europe/Helsinki", by: "day", from: "2026-10-24", to: "2026-10-27", names,
  counts: counts.map((one) => ({ start: "2026-10-24", kind: "a", count: 1, missing: 0, device: null, place: null, ...one })),
});

test("every period has its first day, also one in which nothing happened", () => {
  expect(starts({ by: "day", from: "2026-10-24", to: "2026-10-27" })).toEqual(["2026-10-24", "2026-10-25", "2026-10-26"]);
  expect(starts({ by: "week", from: "2026-10-25", to: "2026-11-03" })).toEqual(["2026-10-19", "2026-10-26", "2026-11-02"]);
  expect(starts({ by: "month", from: "2026-11-30", to: "2027-02-01" })).toEqual(["2026-11-01", "2026-12-01", "2027-01-01"]);
});

test("parts of bars are kinds, devices or places, by name", () => {
  const some = survey([{ kind: "t.basic", device: "1" }, { kind: "t.premium", device: "1", count: 4 }, { kind: "t.basic", device: "2", start: "2026-10-26", count: 2 }], { 1: "Bay 1" });
  expect(stacks(some, "kind", ["t"])).toEqual([
    { key: "t.basic", name: "Basic", values: [1, 0, 2], total: 3 },
    { key: "t.premium", name: "Premium", values: [4, 0, 0], total: 4 },
  ]);
  expect(stacks(some, "device", ["t"]).map(({ name, values }) => [name, values])).toEqual([["Bay 1", [5, 0, 0]], ["No longer there", [0, 0, 2]]]);
});

test("of too many parts the smallest are one, and nothing is lost", () => {
  const many = survey(Array.from({ length: 9 }, (_, index) => ({ kind: `k${index}`, count: index + 1 })));
  const found = stacks(many, "kind", []);
  expect(found.map(({ name, total }) => [name, total])).toEqual([["K4", 5], ["K5", 6], ["K6", 7], ["K7", 8], ["K8", 9], ["4 others", 10]]);
  expect(sums(found, 3)).toEqual([45, 0, 0]);
});

test("an axis ends where people count to", () => {
  expect([0, 1, 2, 3, 5, 7, 9, 11, 45, 61, 99, 101].map((most) => ceiling(most))).toEqual([2, 2, 2, 4, 6, 8, 10, 20, 60, 80, 100, 200]);
});

test("days that are chosen are asked for with the last of them, in periods that suit", () => {
  expect(fileOf({ place: "p", kinds: ["a", "b"], by: "day", per: "kind", first: "2026-10-24", last: "2026-10-31" })).toBe(
    "/api/v1/analytics/counts/file?place=p&kind=a&kind=b&by=day&per=kind&from=2026-10-24&to=2026-11-01",
  );
  expect([suits("2026-10-01", "2026-10-31"), suits("2026-01-01", "2026-10-31"), suits("2020-01-01", "2026-10-31")]).toEqual(["day", "week", "month"]);
});

test("kinds and periods are said as people say them", () => {
  expect([kindShown("treatment.basic", ["treatment"]), kindShown("treatment.basic", []), kindShown("treatment", ["treatment"])]).toEqual(["Basic", "Treatment basic", "Treatment"]);
  expect(periodShown("2026-10-19", "week")).toMatch(/^week of /);
});

test("figures of metrics stand on each other or are lines, by device", () => {
  const found: Measures = {
    timezone: "UTC", by: "day", from: "2026-10-24", to: "2026-10-26", metric: "energy", how: "increase", unit: "W.h", names: { 1: "Fridge" },
    values: [{ start: "2026-10-24", value: 0.5, device: "1", place: null }, { start: "2026-10-25", value: 0.25, device: "1", place: null }],
  };
  expect(barsOf(found, "device")).toEqual([{ key: "1", name: "Fridge", values: [0.5, 0.25], total: 0.75 }]);
  expect(linesOf(found, "device")).toMatchObject([{ label: "Fridge", course: { unit: "W.h", at: [Date.parse("2026-10-24"), Date.parse("2026-10-25")], avg: [0.5, 0.25] } }]);
  expect([ceiling(0.03, false), ceiling(0.75, false), ceiling(0, false)]).toEqual([0.04, 0.8, 1]);
});
