/** Exports: readings as a file to fetch. */
import { type Described, post } from "@/base/ask";
import { type Checked, number, shape, text, time } from "@/base/shape";
import { type Job, job } from "@/jobs/jobs";

export const formats = ["csv", "parquet"] as const;
export type Format = (typeof formats)[number];

/** What the job tells once the file is whole. */
export const exported = shape({ url: text, name: text, rows: number, bytes: number, expires_at: time });
export type Exported = Checked<typeof exported>;

export const exportOf = (device: string, from: number | null, format: Format): Promise<Job> =>
  post("/exports", job, { devices: [device], format, ...(from === null ? {} : { from: new Date(from).toISOString() }) } satisfies Described["Wanted"]);
