/** Retention: how long things are kept, by place and metric, and what a rule would take away. */
import { type Described, all, at, patch, post, remove } from "@/base/ask";
import { type Checked, list, maybe, number, oneOf, page, shape, text, time } from "@/base/shape";
import { count } from "@/base/tell";
import { type Plain, say } from "@/base/words";
import { bytes } from "@/system/condition";

export const kinds = ["readings", "events", "attributes", "remarks"] as const;
export type Kind = (typeof kinds)[number];
export const rule = shape({
  id: text,
  keeps: oneOf(...kinds),
  place: maybe(text),
  metric: maybe(text),
  days: maybe(number),
  summaries_days: maybe(number),
  version: number,
});
export const rules = page(rule);
const effect = shape({ what: text, count: number, bytes: maybe(number), oldest: maybe(time) });
export const preview = shape({ effects: list(effect) });
export type Rule = Checked<typeof rule>;
export type Effect = Checked<typeof effect>;
export type NewRule = Required<Described["NewRule"]>;

/** What may be chosen, in days; null is for ever. */
export const spans = [7, 30, 90, 365, 730, 1825, 3650, null] as const;

export const everyRule = (): Promise<Rule[]> => all("/retention", rules);
export const wouldTake = async (wanted: NewRule): Promise<Effect[]> => (await post("/retention/preview", preview, wanted)).effects;
export const add = (wanted: NewRule): Promise<Rule> => post("/retention", rule, wanted);
export const change = ({ id, version }: Rule, { days, summaries_days }: NewRule): Promise<Rule> =>
  patch(at`/retention/${id}`, rule, { days, summaries_days }, version);
export const erase = async (id: string): Promise<void> => {
  await remove(at`/retention/${id}`);
};

/** A time span as people say it. */
export function days(wanted: number | null): string {
  if (wanted === null) return say("retention.ever");
  return wanted % 365 === 0 ? say("retention.years", { n: wanted / 365 }) : say("retention.days", { n: wanted });
}

const taken: Readonly<Record<string, Plain>> = {
  readings: "retention.takes.readings",
  summaries: "retention.takes.summaries",
  events: "retention.events",
  attributes: "retention.attributes",
  remarks: "retention.remarks",
};

/** One effect of a rule as a line: what goes, how much, and how much room that gives. */
export function told({ what, count: n, bytes: size }: Effect): string {
  const phrase = taken[what];
  const name = phrase === undefined ? what : say(phrase);
  return size === null ? say("retention.takes", { what: name, n: count(n) }) : say("retention.takes.bytes", { what: name, n: count(n), bytes: bytes(size) });
}
