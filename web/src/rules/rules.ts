/** Rules: what is kept of them, what they did, and what a draft would have done. */
import { type Ref, computed, shallowRef } from "vue";
import { type Described, all, at, get, patch, post, remove } from "@/base/ask";
import { type Check, type Checked, anything, flag, list, maybe, number, oneOf, orElse, page, record, shape, text, time } from "@/base/shape";
import { metricShown } from "@/base/units";
import { say } from "@/base/words";
import { type Device, everyOne } from "@/devices/devices";
import { job } from "@/jobs/jobs";
import { within } from "@/places/places";
import { people } from "@/session/members";
import { type Action, type Condition, type Written, listed, told } from "@/rules/document";
import { withLeeway } from "@/rules/limits";
import type { Names } from "@/rules/sentence";

// the server checks what is nested, to the letter; here it is enough that there is something
const condition = record(anything) as Check<Condition>;
const action = record(anything) as Check<Action>;
export const rule = shape({
  id: text,
  name: text,
  place: text,
  enabled: flag,
  when: condition,
  only_if: maybe(condition),
  then: list(action),
  rest_s: orElse(number, 0),
  when_silent: maybe(oneOf("go_on", "wait", "reset")),
  late_s: orElse(number, 600),
  most_per_hour: orElse(number, 20),
  paused_because: maybe(text),
  objection: maybe(text),
  unfit: orElse(flag, false),
  limits: orElse(record(shape({ low: maybe(number), high: maybe(number) })), {}),
  not_for: orElse(list(text), []),
  version: number,
});
export const rules = page(rule);
const reason = shape({ says: text, device: maybe(text), metric: maybe(text), value: maybe(number), at: time });
const done = shape({ action, state: text, id: maybe(text), error: maybe(text) });
export const run = shape({ id: text, device: maybe(text), at: time, because: list(reason), then: list(done) });
export const runs = page(run);
export const tested = shape({ count: number, firings: list(shape({ at: time, device: maybe(text), because: list(reason), then: list(action) })) });
export type Rule = Checked<typeof rule>;
export type Run = Checked<typeof run>;
export type Reason = Checked<typeof reason>;
export type Tested = Checked<typeof tested>;

/** Whether a rule works, in words, and whether somebody should see to it. */
export function standing({ enabled, paused_because, objection, unfit }: Pick<Rule, "enabled" | "paused_because" | "objection" | "unfit">): { readonly state: "attention" | "good" | "unknown"; readonly told: string } {
  if (paused_because !== null) return { state: "attention", told: say("rules.paused", { why: paused_because }) };
  if (objection !== null && unfit && enabled) return { state: "attention", told: say("rules.unfit", { why: objection }) };
  if (objection !== null) return { state: "attention", told: say(enabled ? "rules.objection" : "rules.objection.off", { why: objection }) };
  return enabled ? { state: "good", told: say("rules.on") } : { state: "unknown", told: say("rules.off") };
}

export const everyRule = (place: string | null = null): Promise<Rule[]> => all("/rules", rules, { place });
export const one = (id: string): Promise<Rule> => get(at`/rules/${id}`, rule);
export const add = (written: Written): Promise<Rule> => post("/rules", rule, pruneTop(told(written)));
export const enable = (before: Rule, enabled: boolean): Promise<Rule> => patch(at`/rules/${before.id}`, rule, { enabled }, before.version);
export const erase = async (id: string): Promise<void> => {
  await remove(at`/rules/${id}`);
};
export const runsOf = (id: string, cursor: string | null): Promise<Checked<typeof runs>> => get(at`/rules/${id}/runs`, runs, { limit: 20, cursor });

const triedCall = shape({ action: number, url: text, delivered: flag, error: maybe(text) });
export type TriedCall = Checked<typeof triedCall>;
/** Call what a rule calls once, as a test. */
export const tryCalls = async (id: string): Promise<TriedCall[]> => (await post(at`/rules/${id}/webhooks/test`, page(triedCall))).items;

/** When a rule fired last; null for one that has not. */
export const lastRun = async (id: string): Promise<number | null> => (await get(at`/rules/${id}/runs`, runs, { limit: 1 })).items[0]?.at ?? null;

/** Change a rule to what is written; a condition takes the place of the one before, which a merge alone would mix with it. */
export const change = (before: Rule, written: Written): Promise<Rule> => {
  const { when, only_if, limits, ...rest } = told(written);
  const whole = { ...rest, when: over(before.when, when), only_if: only_if === null ? null : over(before.only_if ?? {}, only_if), limits: over(before.limits, limits ?? {}) };
  return patch(at`/rules/${before.id}`, rule, whole, before.version);
};
const over = <T extends object>(before: object, after: T): T => ({ ...Object.fromEntries(Object.keys(before).map((key) => [key, null])), ...after });

/** Move numbers of a rule, as far as members may. */
export const move = (id: string, thresholds: Record<string, number>): Promise<Rule> =>
  post(at`/rules/${id}/thresholds`, rule, { thresholds } satisfies Described["Thresholds"]);
const pruneTop = (written: Written): Partial<Written> => Object.fromEntries(Object.entries(written).filter(([, value]) => value !== null));

/** What a rule would have done: the answer, or the job that is at it. */
export const testOver = (written: Written, from: number, to: number): Promise<Tested | Checked<typeof job>> =>
  post("/rules/test", (value, at) => (value !== null && typeof value === "object" && "firings" in value ? tested(value, at) : job(value, at)), {
    rule: pruneTop(told(written)),
    from: new Date(from).toISOString(),
    to: new Date(to).toISOString(),
  });

/** A kept rule as the form holds it. */
export const draftOf = ({ name, place, enabled, when, only_if, then, rest_s, when_silent, late_s, most_per_hour, limits, not_for }: Rule): Written => {
  const eased = (of: Condition, path: string): Condition => listed(withLeeway(of, path, limits));
  return structuredClone({ name, place, enabled, when: eased(when, "when"), only_if: only_if === null ? null : eased(only_if, "only_if"), then, rest_s, when_silent, late_s, most_per_hour, not_for });
};

const kept = shallowRef<readonly Device[]>([]);
export const known: Readonly<Ref<readonly Device[]>> = kept;

/** Fetch the devices that rules speak of. */
export async function acquaint(): Promise<readonly Device[]> {
  kept.value = await everyOne();
  return kept.value;
}
export const below = (place: string): Device[] => {
  const here = within(place);
  return kept.value.filter((one) => here.has(one.place));
};
/** The metrics of some devices, by name. */
export const metricsOf = (devices: readonly Device[]): string[] => [...new Set(devices.flatMap(({ metrics }) => Object.keys(metrics)))].sort();

/** The names that sentences need. */
export const names = computed<Names>(() => ({
  device: (id) => kept.value.find((one) => one.id === id)?.name ?? null,
  metric: (metric, device) => {
    const found = kept.value.find((one) => (device === null || one.id === device) && one.metrics[metric] !== undefined)?.metrics[metric];
    return { name: metricShown(metric, found?.name), unit: found?.unit ?? "" };
  },
  person: (id) => people.value.find((one) => one.id === id)?.name ?? say("who.somebody"),
}));
