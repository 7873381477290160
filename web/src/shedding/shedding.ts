/** What is cut off when more flows through a control unit of power outlets than may: its plan, and what it could name. */
import { type Described, all, at, patch, remove } from "@/base/ask";
import { type Checked, anything, flag, list, maybe, number, page, record, shape, text, time } from "@/base/shape";
import { byName } from "@/base/tell";
import { unitShown } from "@/base/units";
import { say } from "@/base/words";
import type { Device } from "@/devices/devices";

const BREAKER = "current_ma";
const load = shape({ device: text, method: text, params: record(anything), metric: maybe(text) });
const guarded = shape({ device: text, params: record(anything) });
export const plan = shape({
  device: text,
  metric: text,
  limit: number,
  enabled: flag,
  order: list(load),
  protected: list(guarded),
  rest_s: number,
  over_since: maybe(time),
  cut_at: maybe(time),
  version: number,
});
export const plans = page(plan);
export type Plan = Checked<typeof plan>;
/** One socket of an outlet, as people choose it. */
export interface Socket {
  readonly device: string;
  readonly socket: "a" | "b";
  readonly name: string;
}
/** What becomes of a socket when too much flows: nothing, nothing ever, or its turn. */
export type Fate = "stays" | "never" | `${number}`;

export const isUnit = ({ dialect, address }: Device): boolean => dialect === "outlet" && /^CCU-/i.test(address ?? "");
export const planOf = async (device: string): Promise<Plan | null> => (await all("/shedding", plans, { device }))[0] ?? null;
/** The unit of what a plan is about, as people write it; without one that of a breaker, which every unit measures. */
export function unitOf({ metrics }: Pick<Device, "metrics">, of: Pick<Plan, "metric"> | null): string {
  const metric = of?.metric ?? BREAKER;
  const known = metrics[metric]?.unit ?? "";
  return unitShown(known === "" && metric === BREAKER ? "mA" : known);
}
/** How much may flow: as the plan says, else the threshold of the unit, else the usual of a breaker. */
export function limitOf({ attributes: { desired, reported } }: Pick<Device, "attributes">, of: Pick<Plan, "limit"> | null): number {
  const set = [of?.limit, desired["threshold"], reported["threshold"]].find((one) => typeof one === "number");
  return set ?? 15_000;
}
export const keep = (device: string, said: Described["PlanChange"], version: number | null): Promise<Plan> =>
  patch(at`/devices/${device}/shedding`, plan, said, version);
export const end = (device: string): Promise<unknown> => remove(at`/devices/${device}/shedding`);

/** The sockets of the outlets behind a unit, or of all outlets where none says which unit is its own. */
export function sockets(devices: readonly Device[], unit: string): Socket[] {
  const outlets = devices.filter((one) => one.dialect === "outlet" && !isUnit(one));
  const behind = outlets.filter(({ gateway }) => gateway === unit);
  return (behind.length > 0 ? behind : outlets)
    .flatMap(({ id, name }) => (["a", "b"] as const).map((socket) => ({ device: id, socket, name: say("shedding.socket", { name, socket: socket.toUpperCase() }) })))
    .toSorted((one, other) => byName(one.name, other.name));
}

const same = (one: { readonly device: string; readonly params: Readonly<Record<string, unknown>> }, { device, socket }: Socket): boolean => one.device === device && one.params["socket"] === socket;

/** What a plan has in store for a socket. */
export function fate(of: Plan | null, socket: Socket): Fate {
  const turn = of?.order.findIndex((one) => same(one, socket)) ?? -1;
  if (turn >= 0) return `${turn + 1}`;
  const spared = of?.protected.some((one) => one.device === socket.device && (one.params["socket"] === undefined || one.params["socket"] === socket.socket)) ?? false;
  return spared ? "never" : "stays";
}

/** The order and the protected ones that fates come to; equal turns go by name. */
export function chosen(fates: readonly (readonly [Socket, Fate])[]): Pick<Described["PlanChange"], "order" | "protected"> {
  const cut = fates.filter(([, one]) => one !== "stays" && one !== "never").toSorted((one, other) => Number(one[1]) - Number(other[1]));
  return {
    order: cut.map(([{ device, socket }]) => ({ device, method: "relay_off", params: { socket } })),
    protected: fates.filter(([, one]) => one === "never").map(([{ device, socket }]) => ({ device, params: { socket } })),
  };
}
