/** Moving in: the file of another system's installation is brought, tried, and moved in. */
import { type Bringing, type Described, bring, post } from "@/base/ask";
import { type Checked, flag, list, maybe, number, record, shape, text, time } from "@/base/shape";
import { type Upload, upload } from "@/imports/imports";
import { type Job, job } from "@/jobs/jobs";
import type { Dialect } from "@/strangers/strangers";

const part = shape({ found: number, new: number });
export const moved = shape({
  trial: flag,
  places: part,
  devices: part,
  readings: part,
  events: part,
  faulty: number,
  faults: list(shape({ table: text, row: number, message: text })),
  elsewhere: number,
  left: record(number),
  first: maybe(time),
  last: maybe(time),
});
export type Moved = Checked<typeof moved>;

/** What a person says of the file. */
export interface Said {
  readonly family: Dialect;
  readonly place: string;
  readonly only: string;
  readonly timezone: string;
}

export const bringFile = (file: File, onWay: (bytes: number) => void): Bringing<Upload> => bring("/uploads", upload, file, "application/octet-stream", onWay);

/** Begin to move in what a file holds that was brought, or to find out what would come of it. */
export const begin = (file: string, name: string, said: Said, trial: boolean): Promise<Job> =>
  post("/imports/installations", job, { ...said, file, name: name.slice(-300), trial } satisfies Described["TakeOver"]);
