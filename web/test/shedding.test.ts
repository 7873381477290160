import { expect, test } from "vitest";
import type { Device } from "@/devices/devices";
import { type Fate, type Plan, chosen, fate, limitOf, sockets, unitOf } from "@/shedding/shedding";

const device = (id: string, address: string, gateway: string | null): Device =>
  ({ id, name: id, dialect: "outlet", address, gateway }) as unknown as Device;
const there = [device("unit", "CCU-02", null), device("Oven", "FE", "unit"), device("Bench", "FD", "unit"), device("Other", "FC", "elsewhere")];

test("a unit may cut the sockets of the outlets behind it, by name", () => {
  expect(sockets(there, "unit").map(({ name }) => name)).toEqual(["Bench · A", "Bench · B", "Oven · A", "Oven · B"]);
  expect(sockets(there.slice(3), "unit").map(({ name }) => name)).toEqual(["Other · A", "Other · B"]);
});

test("a limit has the unit of what the plan judges by", () => {
  const metrics = { power: { name: "Power", unit: "W" }, current_ma: { name: "", unit: "" }, load: { name: "Load", unit: "" } };
  expect([null, { metric: "power" }, { metric: "load" }, { metric: "gone" }].map((of) => unitOf({ metrics }, of))).toEqual(["mA", "W", "", ""]);
});

test("a limit is that of the plan, else what is set for the unit, else the usual one", () => {
  const attributes = (desired: Record<string, unknown>, reported: Record<string, unknown> = {}) => ({ attributes: { desired, reported } });
  expect(limitOf(attributes({ threshold: 9000 }), { limit: 8000 })).toBe(8000);
  expect(limitOf(attributes({ threshold: 9000 }, { threshold: 7000 }), null)).toBe(9000);
  expect(limitOf(attributes({}, { threshold: 7000 }), null)).toBe(7000);
  expect(limitOf(attributes({ threshold: "much" }), null)).toBe(15_000);
});

test("what people choose is the order by turns, then names, and what is protected", () => {
  const all = sockets(there, "unit");
  const fates: Fate[] = ["2", "stays", "1", "never"];
  const said = chosen(all.map((one, at) => [one, fates[at] ?? "stays"] as const));
  expect(said.order?.map((one) => `${one.device} ${String(one.params?.["socket"])}`)).toEqual(["Oven a", "Bench a"]);
  expect(said.protected).toEqual([{ device: "Oven", params: { socket: "b" } }]);
  const plan = { order: said.order, protected: said.protected } as unknown as Plan;
  expect(all.map((one) => fate(plan, one))).toEqual(["2", "stays", "1", "never"]);
  expect(all.map((one) => fate(null, one))).toEqual(["stays", "stays", "stays", "stays"]);
});
