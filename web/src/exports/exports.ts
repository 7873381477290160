/** Exports: readings as a file to fetch. */
import { type Described, post } from "@/base/ask";
import { type Checked, number, shape, text, time } from "@/base/shape";
import { type Job, job } from "@/jobs/jobs";

export const formats = ["csv", "parquet"] as const;
export type Format = (typeof formats)[number];

/** What the job tells once the file is whole. */
export const exported = shape({ url: text, name: text, rows: number, bytes: number, expires_at: time });
export type Exported = Checked<typeof exported>;

/** Whose readings: of devices, or of all that was measured in places and below them. */
export type Of = { readonly devices: readonly string[] } | { readonly places: readonly string[] };

export const exportOf = (of: Of, from: number | null, format: Format): Promise<Job> =>
  post("/exports", job, { ...of, format, ...(from === null ? {} : { from: new Date(from).toISOString() }) } satisfies Described["Wanted"]);
