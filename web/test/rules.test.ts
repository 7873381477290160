import { expect, test } from "vitest";
import { Trouble } from "@/base/ask";
import { type Condition, type Written, begun, begunCondition, compared, conditionKinds, kindOf, leaves, levels, listed, told } from "@/rules/document";
import { wrongs } from "@/rules/form";
import { standing } from "@/rules/rules";
import { lineOf, scheduleOf } from "@/rules/schedule";
import { type Names, condition, sentence } from "@/rules/sentence";

const names: Names = {
  device: (id) => ({ pi: "Planter Pi", lamp: "Lamp" })[id] ?? null,
  metric: (metric) => ({ name: metric === "soil" ? "Soil moisture" : "", unit: metric === "soil" ? "%" : "" }),
  person: () => "Aino",
};
const basil: Written = {
  ...begun("act", "kitchen", "soil"),
  name: "Water the basil",
  when: { all: [{ device: "pi", metric: "soil", is: "below", value: 30, clear: 35, for_s: 120 }] },
  only_if: { all: [{ between: ["06:00", "21:00"] }] },
  then: [{ command: { device: "pi", method: "pulse", params: { duration_s: 20 } } }, { task: { title: "Check the reservoir", due_in_s: 86_400 } }],
};

test("a rule reads as a sentence", () => {
  expect(sentence(basil, names)).toBe(
    "When Soil moisture of Planter Pi stays below 30 % for 2 min, but only if it is between 06:00 and 21:00, tell Planter Pi: Pulse · Duration 20 s and make the task “Check the reservoir” due in 24 h.",
  );
});

test.each<[Condition, string]>([
  [{ metric: "soil", is: "outside", low: 1, high: 2 }, "Soil moisture is outside 1 % to 2 %"],
  [{ metric: "soil", is: "falls_by", value: 5, within_s: 3600 }, "Soil moisture falls by 5 % within 1 h"],
  [{ event: "treatment", device: "lamp" }, "treatment happens at Lamp"],
  [{ silent_for_s: 600 }, "a device is silent for 10 min"],
  [{ sun: "sunset", offset_s: -1800 }, "30 min before sunset"],
  [{ sun: "sunset", device: "lamp" }, "at sunset (for Lamp)"],
  [{ between: ["22:00", "06:00"], device: "gone" }, "it is between 22:00 and 06:00 (for a device that is gone)"],
  [{ command: "pulse", stage: "expired", device: "gone" }, "“Pulse” of a device that is gone gets no answer"],
  [{ attribute: "mode", equals: "eco", device: "lamp" }, "Mode of Lamp is eco"],
  [{ attribute: "stage", of: "place", equals: "fruiting", device: "lamp" }, "Stage where Lamp is, is fruiting"],
  [{ any: ["pinning", "fruiting", "rest"].map((equals) => ({ attribute: "stage", equals, of: "place" })) }, "Stage where a device is, is pinning, fruiting or rest"],
  [{ any: [{ attribute: "mode", equals: "eco" }, { attribute: "mode", equals: "eco", device: "lamp" }] }, "Mode of a device is eco or Mode of Lamp is eco"],
  [{ not: { between: ["22:00", "06:00"] } }, "not: it is between 22:00 and 06:00"],
  [{ any: [{ event: "a" }, { all: [{ event: "b" }, { event: "c" }] }] }, "a happens at a device or (b happens at a device and c happens at a device)"],
])("each kind of condition has its words", (said, words) => {
  expect(condition(said, names)).toBe(words);
});

test("every kind that the form offers begins as that kind, and its sentence can be said", () => {
  for (const kind of conditionKinds) {
    expect(kindOf(begunCondition(kind))).toBe(kind);
    expect(condition(begunCondition(kind), names)).not.toBe("");
  }
});

test("what is not said is left out of the document, and empty conditions with it", () => {
  const sent = told({ ...basil, when: { all: [{ device: null, metric: "soil", is: "above", value: 3, clear: null }] }, only_if: { all: [] } });
  expect(sent.when).toEqual({ all: [{ metric: "soil", is: "above", value: 3 }] });
  expect(sent.only_if).toBeNull();
});

test("whose attribute it is goes along where it is the place's, and is not said where it is the device's", () => {
  const sent = (of: "place" | null): Condition => told({ ...basil, when: { all: [{ device: null, attribute: "stage", of, equals: "fruiting" }] } }).when;
  expect(sent("place")).toEqual({ all: [{ attribute: "stage", of: "place", equals: "fruiting" }] });
  expect(sent(null)).toEqual({ all: [{ attribute: "stage", equals: "fruiting" }] });
});

test.each([
  [{ enabled: true, paused_because: null, objection: null, unfit: false }, "good", "On"],
  [{ enabled: false, paused_because: null, objection: null, unfit: false }, "unknown", "Off"],
  [{ enabled: true, paused_because: "It fired too often.", objection: null, unfit: false }, "attention", "Paused: It fired too often."],
  [{ enabled: true, paused_because: null, objection: "No.", unfit: false }, "attention", "On as it was accepted, but it would be refused today: No."],
  [{ enabled: true, paused_because: null, objection: "Say where it is.", unfit: true }, "attention", "Does not work: Say where it is."],
  [{ enabled: false, paused_because: null, objection: "No.", unfit: false }, "attention", "Off; it would be refused today: No."],
] as const)("how a rule stands is told, and whether somebody should see to it", (rule, state, words) => {
  expect(standing(rule)).toEqual({ state, told: words });
});

test("another comparison keeps what it shares and drops what does not belong to it", () => {
  const band = compared({ metric: "soil", is: "below", value: 3, clear: 4, for_s: 60 }, "outside");
  expect(band).toEqual({ device: null, metric: "soil", is: "outside", for_s: 60, low: 3, high: null, clear_by: null });
  expect(compared(band, "rises_by")).toMatchObject({ value: 3, within_s: 3600, for_s: null });
});

test("a bare condition becomes a list, and all single ones are found however they are nested", () => {
  expect(listed({ event: "a" })).toEqual({ all: [{ event: "a" }] });
  const nested: Condition = { any: [{ not: { event: "a" } }, { all: [{ metric: "t", is: "inside", low: 1, high: 2 }] }] };
  expect(leaves(nested).map(kindOf)).toEqual(["event", "metric"]);
  expect(leaves(nested).flatMap(levels)).toEqual([1, 2]);
});

test.each(["30 7 * * *", "0 7 * * 1-5", "15 18 * * 6", "5 * * * *"])("the schedule %s goes through its fields unchanged", (line) => {
  expect(scheduleOf(line).repeat).not.toBe("cron");
  expect(lineOf(scheduleOf(line))).toBe(line);
});

test("a schedule that is none of the usual ones stays a cron line", () => {
  for (const line of ["*/5 * * * *", "0 7 1 * *", "0 7 * * 1,3", "nonsense"]) expect(scheduleOf(line).repeat).toBe("cron");
});

test("what is wrong stands with the condition it is about, and with no other", () => {
  const trouble = new Trouble(422, "No.", [{ field: "when.all[0].clear", message: "On the wrong side." }, { field: "when.all[10]", message: "Say one thing." }]);
  expect(wrongs(trouble, "when.all[0]")).toEqual(["On the wrong side."]);
  expect(wrongs(trouble, "when.all[1]")).toEqual([]);
});
