import { expect, test } from "vitest";
import { conditionOf } from "@/system/condition";
import { type Readiness, type System, system as shapeOf } from "@/system/system";
import recorded from "../../tests/contract/system.json";

const calm: System = { ...shapeOf(recorded, "system"), dead_letters: [], aside: [], followers: [] };
const ready: Readiness = { status: "ok", version: "1", checks: { log: "ok" }, warnings: {} };
const late = { name: "history", position: 1, lag: 9, lag_s: 60 };

test("a warning is no problem, and says itself what it is", () => {
  expect(conditionOf(calm, ready)).toBe("well");
  expect(conditionOf(calm, { ...ready, warnings: { disk: "The disk is full in 6 days." } })).toBe("warned");
});

test("what fails outweighs what is late, and that what only warns", () => {
  const warned = { ...ready, warnings: { disk: "The disk is full in 6 days." } };
  expect(conditionOf({ ...calm, followers: [late] }, warned)).toBe("behind");
  expect(conditionOf({ ...calm, followers: [late] }, { ...warned, checks: { log: "Make room." } })).toBe("ill");
});
