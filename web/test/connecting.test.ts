import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { address, lineFor } from "@/devices/connecting";

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
