import { expect, test } from "vitest";
import { ago, isOld, moment, span, stepped, value, when } from "@/base/tell";
import { factShown, metricShown, unitShown } from "@/base/units";
import { say } from "@/base/words";

const at = Date.UTC(2026, 10, 20, 18, 24);

test("an unknown value is a dash, and never 0", () => {
  expect([value(null), value(Number.NaN), value(0)]).toEqual(["–", "–", "0"]);
});

test("a value has the digits that a glance can use", () => {
  expect([21.456, 4.805, 742.23, 12345.6, 0.00123, -3.2].map(value)).toEqual(["21.5", "4.81", "742.2", "12,346", "0.00123", "−3.2"]);
});

test("an axis has the digits that its step needs", () => {
  expect([stepped(2.925, 0.005), stepped(20, 5), stepped(0.3, 0.1)]).toEqual(["2.925", "20", "0.3"]);
});

test("an age is told in its greatest unit", () => {
  expect([4, 59, 60, 3600 * 3.2, 3600 * 50].map((seconds) => span(seconds * 1000))).toEqual(["4 s", "59 s", "1 min", "3 h", "2 d"]);
  expect([ago(at, at + 900), ago(at, at + 8000)]).toEqual(["just now", "8 s ago"]);
});

test("a value is old once it is well past its device's usual interval", () => {
  expect([isOld(at, at + 170_000, 60), isOld(at, at + 181_000, 60)]).toEqual([false, true]);
  expect([isOld(at, at + 9 * 60_000), isOld(at, at + 11 * 60_000)]).toEqual([false, true]);
});

test("times are the place's", () => {
  expect([moment(at, "clock", "Europe/Helsinki"), moment(at, "clock", "Asia/Manila")].map((clock) => clock.replace(/\s/g, " "))).toEqual(["08:24 PM", "02:24 AM"]);
});

test("a moment of today is told by the clock, another with its day", () => {
  expect(when(at, at + 60_000, "UTC").replace(/\s/g, " ")).toBe("06:24 PM");
  expect(when(at, at + 86_400_000, "UTC").replace(/\s/g, " ")).toBe("Nov 20, 06:24 PM");
});

test.each([["Cel", "°C"], ["[ppm]", "ppm"], ["%", "%"], ["", ""], ["1", ""], ["{count}", "count"], ["[odd]", "odd"], ["kW.h", "kWh"]])("the unit %s is shown as %s", (code, shown) => {
  expect(unitShown(code)).toBe(shown);
});

test.each([["soil_moisture", "Soil moisture"], ["soilMoisture2", "Soil moisture2"], ["co2", "CO₂"], ["treatment.basic", "Treatment basic"], ["PM25", "PM2.5"], ["GET_STATUS", "Get status"], ["_", "_"]])("the metric %s is called %s", (key, shown) => {
  expect(metricShown(key)).toBe(shown);
});

test("a phrase chooses its form by number", () => {
  expect([say("places.devices", { n: 1 }), say("places.devices", { n: 4321 })]).toEqual(["1 device", "4,321 devices"]);
});

test.each([
  ["duration_s", 300, "Duration", "300 s"],
  ["firmware", "1.4.2", "Firmware", "1.4.2"],
  ["signal_dbm", -61, "Signal", "-61 dBm"],
  ["mode_s", "slow", "Mode s", "slow"],
])("the fact %s %j is told as %s %s", (key, fact, name, shown) => {
  expect(factShown(key, fact)).toEqual({ name, value: shown });
});
