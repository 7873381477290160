import { expect, test } from "vitest";
import { type Device, type DeviceIs, isLike } from "@/devices/devices";

const device = (more: Partial<Device>): Device => ({ name: "Hall sensor", address: null, type: "cottage", online: true, last_seen: 1, silent_since: null, ...more }) as unknown as Device;
const like = (one: Device, text: string, state: DeviceIs = "all"): boolean => isLike(one, "Lake cottage · Hall", text, state);

test("a device is found by words of its name, address, type and place", () => {
  expect(["", "hall", "LAKE sens", "cottage", "  "].map((text) => like(device({}), text))).toEqual([true, true, true, true, true]);
  expect([like(device({ address: "3C:8A" }), "3c:8a"), like(device({}), "hall pump")]).toEqual([true, false]);
});

test("a device is found by how it is", () => {
  const all: DeviceIs[] = ["all", "online", "silent", "unheard"];
  const states = (more: Partial<Device>): boolean[] => all.map((state) => like(device(more), "", state));
  expect(states({})).toEqual([true, true, false, false]);
  expect(states({ online: false, silent_since: 2 })).toEqual([true, false, true, false]);
  expect(states({ online: false, last_seen: null })).toEqual([true, false, false, true]);
});
