import { expect, test } from "vitest";
import { type Command, type Stage, able, begun, command, course, isOn, isRare, parsed, range, switchOf, waits, wording } from "@/commands/commands";

const NOW = Date.parse("2026-06-01T12:00:00Z");
const made = (stage: Stage, more: Partial<Command> = {}): Command => ({
  ...command({ id: "c", device: "d", method: "setLamp", params: { on: true }, stage, asked_by: "user:u", asked_at: NOW - 3000, expires_at: NOW + 57_000 }), ...more,
});
const [lamp, pump] = able({
  key: "planter",
  capabilities: [
    { method: "setLamp", params: { on: { type: "boolean" } }, shows: { lamp: "{on}" } },
    { method: "pulse", params: { duration_s: { type: "number", unit: "s", low: 1, high: 60, default: 20 }, mode: { type: "string", one_of: ["soft", "full"] } }, risk: "high" },
  ],
}).capabilities;
if (lamp === undefined || pump === undefined) throw new Error("both are there");

test("a switch stands as the device reported, and not as it was asked", () => {
  expect(switchOf(lamp)).toBe("on");
  expect(switchOf(pump)).toBeNull();
  expect(isOn(lamp, "on", { lamp: true }, {})).toBe(true);
  expect(isOn(lamp, "on", {}, { lamp: { value: 0 } })).toBe(false);
  expect(isOn(lamp, "on", {}, {})).toBeNull();
});

test("a command says what is awaited, and how it ended, and why", () => {
  expect(course(made("sent"), NOW)).toMatchObject({ mark: "waiting", told: "Asked; waiting for the device to say it has it · 3 s" });
  expect(course(made("succeeded", { answered_at: NOW, result: { ok: 1 } }), NOW, "UTC")).toMatchObject({ mark: "good", why: 'It answered {"ok":1}' });
  expect(course(made("expired", { error: "The device was not there." }), NOW, "UTC")).toMatchObject({ mark: "bad", why: "The device was not there." });
  expect(waits(made("acknowledged"))).toBe(true);
  expect(waits(made("acknowledged", { one_way: true }))).toBe(false);
});

test("what may do harm is not for every day, nor what could and no page puts first", () => {
  const risky = { ...lamp, risk: "medium" };
  expect([lamp, pump, risky].map((one) => isRare(one, []))).toEqual([false, true, true]);
  expect([lamp, pump, risky].map((one) => isRare(one, ["setLamp", "pulse"]))).toEqual([false, true, false]);
});

test("parameters begin with the defaults of the type, and a range is told with its unit", () => {
  expect(begun(pump)).toEqual({ duration_s: 20, mode: "soft" });
  expect(range(pump.params["duration_s"] ?? { type: "", unit: "", low: null, high: null, one_of: null, default: null })).toBe("From 1 s to 60 s.");
  expect(wording("pulse", { duration_s: 20 })).toBe("Pulse · Duration 20 s");
});

test("parameters that are no object are refused beside their field", () => {
  expect(parsed(" ")).toBeNull();
  expect(parsed('{"on": 1}')).toEqual({ on: 1 });
  expect(() => parsed("[1]")).toThrow("As JSON");
});
