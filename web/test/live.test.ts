import { expect, test } from "vitest";
import { type Standing, after, hear } from "@/live/told";

const at = (seconds: number): string => new Date(seconds * 1000).toISOString();
const standing = (temperature: number, seconds: number): object => ({
  id: "d", online: true, last_seen: at(seconds), silent_since: null, latest: { temperature: { value: temperature, unit: "Cel", at: at(seconds) } },
});

/** What is shown after these frames. */
function shownAfter(...frames: object[]): Map<string, Standing> {
  const shown = new Map<string, Standing>();
  for (const frame of frames) {
    const told = hear(frame);
    for (const [device, now] of told === null ? [] : after(shown, told)) shown.set(device, now);
  }
  return shown;
}
const snapshot = (...devices: object[]): object => ({ type: "snapshot", device: "d", devices });

test("a snapshot and what is told after it show what a fresh snapshot would", () => {
  const told = { type: "readings", device: "d", at: 12_000, values: { temperature: 22 } };
  expect(shownAfter(snapshot(standing(21, 10)), told)).toEqual(shownAfter(snapshot(standing(22, 12))));
});

test("a late reading does not replace a newer one", () => {
  const late = { type: "readings", device: "d", at: 5000, values: { temperature: 3 } };
  expect(shownAfter(snapshot(standing(21, 10)), late)).toEqual(shownAfter(snapshot(standing(21, 10))));
});

test("a device that goes silent keeps its last values", () => {
  const shown = shownAfter(snapshot(standing(21, 10)), { type: "device", id: "d", online: false, silent_since: at(70) });
  expect(shown.get("d")).toMatchObject({ online: false, lastSeen: 10_000, silentSince: 70_000, latest: { temperature: { value: 21 } } });
});

test("the first value of a new device is shown", () => {
  const fresh = snapshot({ id: "d", online: false, last_seen: null, silent_since: null, latest: {} });
  expect(shownAfter(fresh, { type: "readings", device: "d", at: 4000, values: { humidity: 51 } }).get("d")?.latest).toEqual({ humidity: { value: 51, unit: null, at: 4000 } });
});

test("a kind that no page shows yet is passed over, and a garbled frame is refused by its field", () => {
  expect(hear({ type: "booking", id: "b" })).toBeNull();
  expect(() => hear({ type: "readings", device: "d", at: 1, values: { humidity: "wet" } })).toThrow('$.values.humidity should be a number, but is "wet"');
});
