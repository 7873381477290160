/** Imports: a file is brought, tried, and kept. */
import { type Bringing, type Described, Trouble, bring, post } from "@/base/ask";
import { type Checked, flag, list, maybe, number, shape, text, time } from "@/base/shape";
import { say } from "@/base/words";
import type { Reading } from "@/imports/guess";
import { type Job, job } from "@/jobs/jobs";

export const upload = shape({ id: text, bytes: number });
export const report = shape({
  trial: flag,
  lines: number,
  readings: number,
  kept: number,
  duplicates: number,
  faulty: number,
  faults: list(shape({ line: number, message: text })),
  series: list(shape({ device: text, metric: text, new: flag })),
  series_count: number,
  first: maybe(time),
  last: maybe(time),
});
export type Report = Checked<typeof report>;
export type Upload = Checked<typeof upload>;

export const bringFile = (file: File, onWay: (bytes: number) => void): Bringing<Upload> => bring("/uploads", upload, file, "text/csv", onWay);

/** A reading as the API takes it: what its form does not ask for is left out. */
export const toldOf = ({ metrics, metric_column, value_column, unit_column, device, ...rest }: Reading): Described["FileForm"] => ({
  ...rest,
  device,
  decimal: rest.separator === "," ? "." : rest.decimal,
  ...(unit_column === "" ? {} : { unit_column }),
  ...(rest.form === "long" ? { metric_column, value_column } : { metrics: Object.fromEntries(Object.entries(metrics).flatMap(([column, metric]) => (metric.trim() === "" ? [] : [[column, metric.trim()]]))) }),
});

/** Begin to read a file that was brought. */
export async function begin(file: string, reading: Reading, trial: boolean): Promise<Job> {
  const told = toldOf(reading);
  // to the API no names mean all columns, which is not what a person means who emptied every field
  if (told.form === "wide" && Object.keys(told.metrics ?? {}).length === 0) throw new Trouble(-1, say("import.nothing"));
  return post("/imports", job, { file, reading: told, trial } satisfies Described["Order"]);
}
