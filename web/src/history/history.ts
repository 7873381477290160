/** History: what was measured over a span, as the server gives it and as a chart takes it. */
import { at as path, get } from "@/base/ask";
import { type Checked, flag, list, maybe, number, orElse, record, shape, text } from "@/base/shape";

const numbers = orElse(list(maybe(number)), []);
const columns = {
  unit: orElse(text, ""),
  raw: flag,
  width_ms: maybe(number),
  at: list(number),
  avg: list(maybe(number)),
  min: numbers,
  max: numbers,
  count: numbers,
};
export const history = shape({ metrics: record(shape(columns)) });
export const placeHistory = shape({ series: list(shape({ device: text, metric: text, ...columns })) });

type Raw = Checked<typeof history>["metrics"][string];
/** One series over a span: buckets of `width` ms, or every reading when `width` is null. */
export interface Course {
  readonly unit: string;
  readonly width: number | null;
  readonly at: readonly number[];
  readonly avg: readonly (number | null)[];
  readonly min: readonly (number | null)[];
  readonly max: readonly (number | null)[];
  readonly count: readonly (number | null)[];
}
export interface PlaceCourse extends Course {
  readonly device: string;
  readonly metric: string;
}
export interface Span {
  readonly from: number;
  readonly to: number;
}

const HOUR = 3_600_000;
export const spans = { "1h": HOUR, "24h": 24 * HOUR, "7d": 168 * HOUR, "30d": 720 * HOUR, "1y": 8766 * HOUR } as const;
export type SpanName = keyof typeof spans;
export const spanNames = Object.keys(spans) as SpanName[];

const course = ({ unit, raw, width_ms, at, avg, min, max, count }: Raw): Course =>
  raw ? { unit, width: null, at, avg, min: avg, max: avg, count: avg.map(() => 1) } : { unit, width: width_ms, at, avg, min, max, count };

const during = ({ from, to }: Span): { from: string; to: string } => ({ from: new Date(from).toISOString(), to: new Date(to).toISOString() });

/** A device's metrics over a span; every one of them when none is named. */
export async function ofDevice(device: string, span: Span, points: number, metrics: readonly string[] = []): Promise<Record<string, Course>> {
  const came = await get(path`/devices/${device}/history`, history, { metric: metrics, points, ...during(span) });
  return Object.fromEntries(Object.entries(came.metrics).map(([metric, raw]) => [metric, course(raw)]));
}

/** Every series in and below a place over a span. */
export async function ofPlace(place: string, span: Span, points: number, metrics: readonly string[] = []): Promise<PlaceCourse[]> {
  const came = await get(path`/places/${place}/history`, placeHistory, { metric: metrics, points, ...during(span) });
  return came.series.map(({ device, metric, ...raw }) => ({ device, metric, ...course(raw) }));
}
