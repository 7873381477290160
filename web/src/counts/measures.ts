/** Measures: what was measured by days, weeks or months, as one figure each. */
import { address, get } from "@/base/ask";
import { type Checked, list, maybe, number, oneOf, record, shape, text } from "@/base/shape";
import { say } from "@/base/words";
import { type Per, type Stack, type Wanted, periods, piled, query, starts } from "@/counts/counts";
import { MOST_LINES } from "@/history/colours";
import type { Line } from "@/history/plot";

export const hows = ["mean", "min", "max", "increase", "sum"] as const;
export type How = (typeof hows)[number];

const measure = shape({ start: text, value: number, device: maybe(text), place: maybe(text) });
export const measures = shape({
  timezone: text, by: oneOf(...periods), from: text, to: text, metric: text, how: oneOf(...hows), unit: text, values: list(measure), names: record(text),
});
export type Measures = Checked<typeof measures>;
export interface Gauge extends Omit<Wanted, "kinds"> {
  readonly metric: string;
  readonly how: How;
}

const asked = ({ metric, how, ...wanted }: Gauge): ReturnType<typeof query> => ({ metric, how, ...query({ ...wanted, kinds: [] }) });
export const askMeasures = (gauge: Gauge): Promise<Measures> => get("/analytics/measures", measures, asked(gauge));
export const measuresFile = (gauge: Gauge): string => address("/analytics/measures/file", asked(gauge));

/** Whether figures of several devices or days add up, so that they may stand on each other. */
export const addsUp = (how: How): boolean => how === "increase" || how === "sum";

const nameOf = (found: Measures, per: Per) => (key: string): string => (per === "kind" ? say("counts.all") : (found.names[key] ?? say("counts.gone")));
const keyed = (found: Measures, per: Per): { start: string; key: string; amount: number }[] => found.values.map((one) => ({ start: one.start, key: (per === "kind" ? "" : one[per]) ?? "", amount: one.value }));

/** The figures as parts of bars. */
export const barsOf = (found: Measures, per: Per): Stack[] => piled(starts(found), keyed(found, per), nameOf(found, per));

const DAY = 86_400_000;
const width = { day: DAY, week: 7 * DAY, month: 31 * DAY } as const;
/** The figures as lines of a chart whose days are those of UTC. */
export function linesOf(found: Measures, per: Per): Line[] {
  const rows = keyed(found, per);
  const keys = [...new Set(rows.map(({ key }) => key))].slice(0, MOST_LINES);
  return keys.map((key) => {
    const own = rows.filter((one) => one.key === key);
    const values = own.map(({ amount }) => amount);
    return { label: nameOf(found, per)(key), course: { unit: found.unit, width: width[found.by], at: own.map(({ start }) => Date.parse(start)), avg: values, min: values, max: values, count: values.map(() => 1) } };
  });
}
