/** Commands: what a device can be asked, what it was asked, and what it proved of it. Nothing is taken for done that it did not prove. */
import { type Described, Trouble, at, get, post } from "@/base/ask";
import { type Checked, anything, flag, list, maybe, number, oneOf, orElse, page, record, shape, text, time } from "@/base/shape";
import { span, when } from "@/base/tell";
import { factShown } from "@/base/units";
import { say } from "@/base/words";
import { type Job, job } from "@/jobs/jobs";

export const stages = ["queued", "sent", "acknowledged", "succeeded", "failed", "expired", "cancelled"] as const;
export type Stage = (typeof stages)[number];
export const command = shape({
  id: text,
  device: text,
  method: text,
  params: anything,
  stage: oneOf(...stages),
  asked_by: text,
  asked_at: time,
  sent_at: maybe(time),
  acknowledged_at: maybe(time),
  answered_at: maybe(time),
  expires_at: time,
  result: anything,
  error: maybe(text),
  one_way: orElse(flag, false),
});
export const commands = page(command);
export type Command = Checked<typeof command>;

const param = shape({ type: orElse(text, "number"), unit: orElse(text, ""), low: maybe(number), high: maybe(number), one_of: maybe(list(anything)), default: anything });
export const capability = shape({ method: text, params: orElse(record(param), {}), shows: maybe(record(anything)), risk: orElse(text, "low") });
export const able = shape({ key: text, capabilities: orElse(list(capability), []) });
export type Param = Checked<typeof param>;
export type Capability = Checked<typeof capability>;
export type Params = Readonly<Record<string, unknown>>;

/** Whether something is not for every day: it may do harm, or could and no page puts it first. */
export const isRare = ({ method, risk }: Capability, first: readonly string[]): boolean => risk === "high" || (risk === "medium" && !first.includes(method));

/** What a type of device can be asked; null when nobody said what it is, so that it takes anything. */
export const abilities = async (type: string | null): Promise<Capability[] | null> => (type === null ? null : (await get(at`/device-types/${type}`, able)).capabilities);
export const ofDevice = (device: string, cursor: string | null = null, limit = 20): Promise<Checked<typeof commands>> => get(at`/devices/${device}/commands`, commands, { cursor, limit });
export const ask = (device: string, method: string, params: Params | null, ttl = TTL_S): Promise<Command> =>
  post(at`/devices/${device}/commands`, command, { method, params, ttl_s: ttl } satisfies Described["NewCommand"]);
export const cancel = (id: string): Promise<Command> => post(at`/commands/${id}/cancel`, command);

export const TTL_S = 60;

/** Whether something of the device is still awaited. */
export const waits = ({ stage, one_way }: Command): boolean => stage === "queued" || stage === "sent" || (stage === "acknowledged" && !one_way);

/** How a command stands: whether it goes on, went well or not, and that in words. */
export function course(of: Command, now: number, zone?: string): { mark: "waiting" | "good" | "bad" | "over"; told: string; why: string | null } {
  const why = of.error ?? (of.result === null || of.result === undefined ? null : say("commands.result", { result: JSON.stringify(of.result) }));
  if (waits(of)) return { mark: "waiting", told: say("stage.waiting", { stage: say(`stage.${of.stage}`), span: span(now - of.asked_at) }), why };
  const ended = of.answered_at ?? (of.stage === "acknowledged" ? of.acknowledged_at : null) ?? of.asked_at;
  const stage = say(of.stage === "acknowledged" ? "stage.acknowledged.end" : `stage.${of.stage}`);
  return { mark: marks[of.stage], told: say("stage.done", { stage, when: when(ended, now, zone) }), why };
}
const marks = { queued: "waiting", sent: "waiting", acknowledged: "over", succeeded: "good", failed: "bad", expired: "bad", cancelled: "over" } as const;

/** A command in words: its method, and each parameter. */
export function wording(method: string, params: unknown): string {
  const facts = params !== null && typeof params === "object" && !Array.isArray(params) ? Object.entries(params) : [];
  const told = ([key, value]: [string, unknown]): string => {
    const { name, value: written } = factShown(key, value);
    if (typeof value !== "boolean") return `${name} ${written}`;
    const state = say(value ? "control.on" : "control.off").toLowerCase();
    return facts.length === 1 ? state : `${name} ${state}`;
  };
  return [factShown(method, null).name, ...facts.map(told)].join(" · ");
}

/** The one parameter of a capability that turns something on and off, if it is such a one. */
export function switchOf({ params }: Capability): string | null {
  const [only, ...more] = Object.entries(params);
  return only !== undefined && more.length === 0 && (only[1].type === "boolean" || only[1].type === "bool") ? only[0] : null;
}

/** Whether it is on: as the device last reported what proves it, null when it did not. */
export function isOn(of: Capability, param: string, reported: Params, latest: Readonly<Record<string, { readonly value: number | null }>>): boolean | null {
  const shows = Object.entries(of.shows ?? {}).find(([, value]) => value === `{${param}}`)?.[0];
  if (shows === undefined) return null;
  const said = reported[shows] ?? latest[shows]?.value;
  return typeof said === "boolean" ? said : said === 0 || said === 1 ? said === 1 : null;
}

/** A number's range in words. */
export function range({ low, high, unit }: Param): string | undefined {
  const told = (value: number): string => factShown("", value).value + (unit === "" ? "" : ` ${unit}`);
  if (low !== null && high !== null) return say("control.range", { low: told(low), high: told(high) });
  return low !== null ? say("control.range.low", { low: told(low) }) : high !== null ? say("control.range.high", { high: told(high) }) : undefined;
}

/** What parameters begin with: the type's own defaults, else the least that makes sense. */
export const begun = (of: Capability): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(of.params).map(([name, { default: usual, one_of, type, low }]) => [
      name,
      usual ?? one_of?.[0] ?? (type.startsWith("bool") ? false : type === "string" || type === "text" ? "" : type === "object" ? {} : type === "list" || type === "array" ? [] : (low ?? 0)),
    ]),
  );

const left = shape({ device: text, why: text });
export const askings = shape({ orders: list(shape({ device: text, method: text, params: anything })), left_out: list(left) });
export const outcome = shape({ stages: record(number), unanswered: list(shape({ device: text, stage: oneOf(...stages), error: maybe(text) })), left_out: list(left) });
export type Askings = Checked<typeof askings>;
export type Outcome = Checked<typeof outcome>;

/** What would be turned off at a place and below it, and what is not reached, and why. */
export const offPlan = (place: string): Promise<Askings> => get(at`/places/${place}/off`, askings);
export const turnOff = (place: string): Promise<Job> => post(at`/places/${place}/off`, job, { confirm: true } satisfies Described["Confirmed"]);

/** Ask several devices for the same; the job counts those that have answered. */
export const askMany = (devices: readonly string[], method: string, params: Params | null, ttl: number): Promise<Job> =>
  post("/commands", job, { devices: [...devices], method, params, ttl_s: ttl } satisfies Described["ManyCommands"]);

/** Something that several devices can be asked alike. */
export interface Shared<D> {
  readonly of: Capability;
  readonly devices: readonly D[];
}
/** What some devices can be asked, each with those that can do it; types that say it alike go together. */
export function shared<D extends { readonly type: string | null }>(devices: readonly D[], can: ReadonlyMap<string, readonly Capability[]>): Shared<D>[] {
  const found = new Map<string, { of: Capability; devices: D[] }>();
  for (const device of devices) {
    for (const of of can.get(device.type ?? "") ?? []) {
      const alike = JSON.stringify([of.method, of.params]);
      const entry = found.get(alike) ?? { of, devices: [] };
      entry.devices.push(device);
      found.set(alike, entry);
    }
  }
  return [...found.values()];
}

/** Parameters typed as JSON; null for none. */
export function parsed(typed: string): Params | null {
  if (typed.trim() === "") return null;
  const told = say("control.free.params.hint", { example: '{"on": true}' });
  try {
    const value: unknown = JSON.parse(typed);
    if (value !== null && typeof value === "object" && !Array.isArray(value)) return value as Params;
  } catch {
    // told as any other that is no object
  }
  throw new Trouble(422, told, [{ field: "params", message: told }]);
}
