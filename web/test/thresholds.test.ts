import { expect, test } from "vitest";
import { near } from "@/history/plot";
import { type Condition, compared, told } from "@/rules/document";
import { type Leeway, movables, withLeeway } from "@/rules/limits";
import { drawnFor } from "@/rules/drawn";
import { draftOf, type Rule } from "@/rules/rules";
import { movableTold } from "@/rules/sentence";

const names = { device: () => "Pi", metric: () => ({ name: "Soil moisture", unit: "%" }), person: () => "Aino" };
const dry: Condition = { metric: "soil", is: "below", value: 30, clear: 35, for_s: 120 };
const free: Leeway = { low: 20, high: 40 };
const rule = (when: Condition, limits: Record<string, Leeway>): Rule => ({
  id: "r", name: "Water", place: "p", enabled: true, when, only_if: null, then: [], rest_s: 0, when_silent: null, late_s: 600, most_per_hour: 20, paused_because: null, objection: null, unfit: false, not_for: [], limits, version: 1,
});

test("what members may move goes through the form unchanged, and to where the number stands then", () => {
  expect(told(draftOf(rule(dry, { "when.value": free }))).limits).toEqual({ "when.all[0].value": free });
  const nested: Condition = { any: [{ event: "door" }, { not: dry }] };
  const draft = draftOf(rule(nested, { "when.any[1].not.value": free, "when.any[1].not.for_s": { low: null, high: 600 } }));
  expect(told(draft).limits).toEqual({ "when.any[1].not.value": free, "when.any[1].not.for_s": { low: null, high: 600 } });
  const first = { ...draft, when: { any: (draft.when.any ?? []).slice(1) } };
  expect(told(first).limits).toEqual({ "when.any[0].not.value": free, "when.any[0].not.for_s": { low: null, high: 600 } });
});

test("the server is not sent what stands beside the numbers, nor limits of numbers that are gone", () => {
  const eased = withLeeway({ all: [dry] }, "when", { "when.all[0].value": free, "when.all[0].clear": free });
  const other = { all: [compared(eased.all?.[0] ?? {}, "outside")] };
  const sent = told({ ...draftOf(rule(dry, {})), when: other });
  expect(JSON.stringify(sent.when)).not.toContain("leeway");
  expect(sent.limits).toEqual({});
  expect(told({ ...draftOf(rule(dry, {})), when: eased }).limits).toEqual({ "when.all[0].value": free, "when.all[0].clear": free });
});

test("a member is shown each number that may be moved, in words, and none that is not there", () => {
  const found = movables(rule({ all: [dry] }, { "when.all[0].value": free, "when.all[0].for_s": free, "when.all[7].value": free }));
  expect(found.map(({ path, now }) => [path, now])).toEqual([["when.all[0].value", 30], ["when.all[0].for_s", 120]]);
  expect(found.map((one) => movableTold(one, names))).toEqual(["Soil moisture is below", "Soil moisture: for at least"]);
});

test("a chart is drawn the thresholds of rules that are on and speak of its metric and device", () => {
  const rules = [rule({ any: [dry, { ...dry, device: "other", value: 7 }, { metric: "soil", is: "rises_by", value: 5 }] }, {}), { ...rule(dry, {}), enabled: false }, rule({ event: "soil" }, {})];
  expect(drawnFor(rules, "pi", "soil").map(({ levels }) => levels)).toEqual([[30, 35]]);
  expect(drawnFor(rules, "other", "soil").map(({ levels }) => levels)).toEqual([[30, 35, 7]]);
  expect(drawnFor(rules, "pi", "t")).toEqual([]);
});

test("a chart is drawn the thresholds of the stage that its place is in, and others where it is in none", () => {
  const stage = (equals: string): Condition => ({ attribute: "stage", equals, of: "place" });
  const usual = rule({ all: [dry, { not: { any: [stage("pinning"), stage("rest")] } }] }, {});
  const pins = { ...rule({ ...dry, value: 60, clear: null }, {}), only_if: stage("pinning") };
  const drawn = (now: string | undefined): unknown => drawnFor([usual, pins], "pi", "soil", (name) => (name === "stage" ? now : "pinning")).map(({ levels }) => levels);
  expect([drawn("pinning"), drawn("rest"), drawn("other"), drawn(undefined)]).toEqual([[[60]], [], [[30, 35]], [[30, 35]]]);
});

test("a threshold far from the values does not make them flat", () => {
  expect(near(20, 21, [3, 20.5, 21.9, 22.1])).toEqual([20.5, 21.9]);
  expect(near(20, 20, [19.5, 15])).toEqual([19.5]);
});
