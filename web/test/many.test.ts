import { expect, test } from "vitest";
import { type Capability, shared } from "@/commands/commands";
import { because } from "@/rules/sentence";

const pulse = (high: number): Capability => ({ method: "pulse", params: { duration_s: { type: "number", unit: "s", low: 1, high, one_of: null, default: 20 } }, shows: null, risk: "low" });

test("what types say alike is one thing to ask, and what they say otherwise is another", () => {
  const devices = [{ id: "a", type: "pump" }, { id: "b", type: "valve" }, { id: "c", type: "press" }, { id: "d", type: null }];
  const can = new Map([["pump", [pulse(60)]], ["valve", [pulse(60)]], ["press", [pulse(5), { ...pulse(5), method: "stop" }]]]);
  expect(shared(devices, can).map(({ of, devices: whom }) => [of.method, whom.map(({ id }) => id).join("")])).toEqual([["pulse", "ab"], ["pulse", "c"], ["stop", "c"]]);
});

test("why a rule fired tells the value that was read, with its unit", () => {
  const names = { device: () => null, metric: () => ({ name: "Soil moisture", unit: "%" }), person: () => "" };
  const why = { says: "Soil moisture is below 30 %", metric: "soil", device: "pi", value: 28 };
  expect(because(why, names)).toBe("Soil moisture is below 30 % (it was 28 %)");
  expect(because({ ...why, metric: null, value: null, says: "it is between 6 and 9" }, names)).toBe("it is between 6 and 9");
});
