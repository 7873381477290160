/** Counts: how often what happened by days, weeks or months, and as what bars show it. */
import { address, get } from "@/base/ask";
import { type Checked, list, maybe, number, oneOf, record, shape, text } from "@/base/shape";
import { byName, moment } from "@/base/tell";
import { metricShown } from "@/base/units";
import { say } from "@/base/words";
import { MOST_LINES } from "@/history/colours";

export const periods = ["day", "week", "month"] as const;
export const pers = ["kind", "device", "place"] as const;
export type Period = (typeof periods)[number];
export type Per = (typeof pers)[number];

const count = shape({ start: text, kind: text, count: number, missing: number, device: maybe(text), place: maybe(text) });
export const survey = shape({ timezone: text, by: oneOf(...periods), from: text, to: text, counts: list(count), names: record(text) });
export type Survey = Checked<typeof survey>;

/** What is counted: where or of which device, which kinds, and from when to when, both days being counted. */
export interface Wanted {
  readonly place?: string | undefined;
  readonly device?: string | undefined;
  readonly kinds: readonly string[];
  readonly by: Period;
  readonly per: Per;
  readonly first?: string | undefined;
  readonly last?: string | undefined;
}
/** One part of every bar: of one kind, device or place; `values` are by period. */
export interface Stack {
  readonly key: string;
  readonly name: string;
  readonly values: readonly number[];
  readonly total: number;
}

const DAY = 86_400_000;
/** A day as it is asked for. */
export const written = (at: number): string => new Date(at).toISOString().slice(0, 10);
/** What is asked, as an address says it. */
export const query = ({ place, device, kinds, by, per, first, last }: Wanted): Record<string, string | readonly string[] | undefined> => ({
  place, device, kind: kinds, by, per, from: first, to: last === undefined ? undefined : written(Date.parse(last) + DAY),
});
export const ask = (wanted: Wanted): Promise<Survey> => get("/analytics/counts", survey, query(wanted));
/** Where the same is a file. */
export const fileOf = (wanted: Wanted): string => address("/analytics/counts/file", query(wanted));

/** The first day of every period of a survey, also of those in which nothing happened. */
export function starts({ by, from, to }: Pick<Survey, "by" | "from" | "to">): string[] {
  const found: string[] = [];
  let at = new Date(from);
  if (by === "week") at = new Date(at.getTime() - ((at.getUTCDay() + 6) % 7) * DAY);
  if (by === "month") at = new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), 1));
  while (at.getTime() < Date.parse(to)) {
    found.push(written(at.getTime()));
    at = by === "month" ? new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1, 1)) : new Date(at.getTime() + (by === "week" ? 7 : 1) * DAY);
  }
  return found;
}

/** A kind as people say it; below the only one that is asked for, by what tells it from the others. */
export function kindShown(kind: string, kinds: readonly string[]): string {
  const [root] = kinds;
  return metricShown(kinds.length === 1 && root !== undefined && kind.startsWith(`${root}.`) ? kind.slice(root.length + 1) : kind);
}

/** The parts of the bars, by name; of too many to tell apart the smallest are one. */
export function stacks(found: Survey, per: Per, kinds: readonly string[]): Stack[] {
  const parts = found.counts.map((one) => ({ start: one.start, key: (per === "kind" ? one.kind : one[per]) ?? "", amount: one.count }));
  return piled(starts(found), parts, (key) => {
    if (per === "kind") return kindShown(key, kinds);
    return key === "" ? say("counts.people") : (found.names[key] ?? say("counts.gone"));
  });
}

/** Amounts of periods as parts of bars; what they are called is told by their keys. */
export function piled(periods: readonly string[], parts: readonly { readonly start: string; readonly key: string; readonly amount: number }[], nameOf: (key: string) => string): Stack[] {
  const columns = new Map(periods.map((start, index) => [start, index]));
  const rows = new Map<string, number[]>();
  for (const { start, key, amount } of parts) {
    const row = rows.get(key) ?? Array.from(columns, () => 0);
    const index = columns.get(start);
    if (index !== undefined) row[index] = (row[index] ?? 0) + amount;
    rows.set(key, row);
  }
  const found = [...rows].map(([key, values]) => ({ key, name: nameOf(key), values, total: sum(values) }));
  const greatest = found.toSorted((one, other) => other.total - one.total);
  const some = greatest.slice(0, greatest.length > MOST_LINES ? MOST_LINES - 1 : MOST_LINES).toSorted((one, other) => byName(one.name, other.name));
  const rest = greatest.slice(some.length);
  return rest.length === 0 ? some : [...some, together(rest)];
}

const sum = (values: readonly number[]): number => values.reduce((one, other) => one + other, 0);
const together = (some: readonly Stack[]): Stack => ({
  key: "",
  name: say("counts.others", { n: some.length }),
  values: (some[0]?.values ?? []).map((_, index) => sum(some.map(({ values }) => values[index] ?? 0))),
  total: sum(some.map(({ total }) => total)),
});

/** How many there were in each period. */
export const sums = (some: readonly Stack[], columns: number): number[] =>
  Array.from({ length: columns }, (_, index) => sum(some.map(({ values }) => values[index] ?? 0)));

/** The top of an axis: the next number that people count by; its half is whole where only whole numbers are counted. */
export function ceiling(most: number, whole = true): number {
  const power = 10 ** Math.floor(Math.log10(whole ? Math.max(1, most) : most > 0 ? most : 1));
  const steps = [1, 2, 4, 6, 8, 10].map((step) => step * power);
  return steps.find((step) => step >= most && (!whole || step % 2 === 0)) ?? 2;
}

/** A period as short as an axis has room for, or as long as it is clear. */
export const tick = (start: string, by: Period): string => moment(Date.parse(start), by === "month" ? "month" : "day", "UTC");
export const periodShown = (start: string, by: Period): string =>
  by === "week" ? say("counts.week", { day: tick(start, "day") }) : by === "month" ? tick(start, by) : moment(Date.parse(start), "date", "UTC");

/** The period that suits so many days. */
export const suits = (first: string, last: string): Period => {
  const days = (Date.parse(last) - Date.parse(first)) / DAY;
  return days <= 92 ? "day" : days <= 731 ? "week" : "month";
};
