import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { address, familyLines, familyOf, lineFor } from "@/devices/connecting";

const connect = { mqtt: { port: 1884 } };

beforeAll(() => void vi.stubGlobal("location", new URL("http://verger.local:8000/devices/d")));
afterAll(() => void vi.unstubAllGlobals());

test("the line to paste names the server, the secret and the topic", () => {
  expect(lineFor("mosquitto", connect, "vt_1").replace(/\\\n\s+/g, "")).toBe(
    `mosquitto_pub -h verger.local -p 1884 -u vt_1 -q 1 -t v1/devices/me/telemetry -m '{"temperature": 21.5}'`,
  );
});

test("the usual port is left out", () => {
  expect(lineFor("mosquitto", { mqtt: { port: 1883 } }, "vt_1")).not.toContain("-p");
});

test("curl speaks to the device's own address", () => {
  expect(lineFor("curl", connect, "vt_1")).toContain("curl http://verger.local:8000/api/v1/vt_1/telemetry");
});

test("a device with a camera reads address and secret as one", () => {
  expect(address(connect, "vt_1")).toBe("mqtt://vt_1@verger.local:1884");
});

const of = (dialect: string, its: string | null, secret: string | null = null): string[] =>
  familyLines({ dialect, address: its, id: "d", connect }, secret).map((line) => line.join(": "));

test("a device of a family is told its family's own words", () => {
  expect(familyOf({ dialect: "native" })).toBeNull();
  expect(of("outlet", "CCU-02")).toEqual(["url: http://verger.local:8000/t/ENROLMENT_KEY", "id: 02"]);
  expect(of("plant", null, "s3cret")).toEqual(["base: http://verger.local:8000/compat/plant", "id: d", "secret: s3cret"]);
  expect(of("cottage", "A1")).toEqual([
    "server: verger.local:1884",
    "user: ENROLMENT_KEY",
    "topic: sensors/data",
    "older: http://verger.local:8000/t/ENROLMENT_KEY/",
  ]);
  expect(of("ozone", "3C:8A:1F:A4:3E:C4", "vt_1")).toContain("user: vt_1");
});

test.each([
  ["f1/dht-3", "farm/f1/room/ROOM/device/dht-3/telemetry"],
  ["dht-3", "farm/FARM/room/ROOM/device/dht-3/telemetry"],
  ["farm/f1/room/2/device/dht-3/telemetry", "farm/f1/room/2/device/dht-3/telemetry"],
])("the topic of a farm's device comes of its address: %s", (its, topic) => {
  expect(of("farm", its)).toContain(`topic: ${topic}`);
});
