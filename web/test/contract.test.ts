import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { type Check, list, shape } from "@/base/shape";
import { created, device, devices, latest, remarks } from "@/devices/devices";
import { events } from "@/events/events";
import { history, placeHistory } from "@/history/history";
import { apiKeys, createdKey } from "@/keys/keys";
import { hear } from "@/live/told";
import { overview } from "@/overview/overview";
import { place, places } from "@/places/places";
import { me, setUpState } from "@/session/session";
import { system } from "@/system/system";

const folder = new URL("../../tests/contract/", import.meta.url);
const answers: Readonly<Record<string, Check<unknown>>> = {
  "api_keys.json": shape({ made: list(createdKey), listed: apiKeys }),
  "device.json": device,
  "device_created.json": created,
  "device_log.json": remarks,
  "devices.json": devices,
  "events.json": events,
  "history_buckets.json": history,
  "history_raw.json": history,
  "latest.json": latest,
  "live.json": list((frame) => hear(frame) ?? shape({})(frame)),
  "me.json": me,
  "overview.json": overview,
  "place.json": place,
  "place_history.json": placeHistory,
  "places.json": places,
  "setup.json": setUpState,
  "system.json": system,
};
const recorded = Object.entries(answers).filter(([name]) => existsSync(new URL(name, folder)));

test.each(recorded)("the server's %s has the shape that we read", (name, check) => {
  const answer: unknown = JSON.parse(readFileSync(new URL(name, folder), "utf8"));
  expect(() => check(answer)).not.toThrow();
});
