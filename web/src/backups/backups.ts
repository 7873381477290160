/** Backups of this Verger: what there is, where it goes, and how the one is getting on that is being taken. */
import { at, get, post } from "@/base/ask";
import { type Checked, flag, list, maybe, number, page, shape, text, time } from "@/base/shape";
import { type Job, job } from "@/jobs/jobs";

const counts = shape({ devices: number, series: number, readings: number, events: number, records: number });
const verified = shape({ at: time, well: flag, said: text });
export const backup = shape({
  id: text,
  taken_at: time,
  version: text,
  size: number,
  stored: number,
  new: number,
  sealed: flag,
  counts: maybe(counts),
  verified: maybe(verified),
});
export const backups = page(backup);
const restored = shape({ backup: text, taken_at: time, restored_at: time, replaced: maybe(text), said: list(text) });
export const plan = shape({
  folder: text,
  at: text,
  keep: number,
  sealed: flag,
  same_disk: flag,
  next_at: maybe(time),
  running: maybe(shape({ done: number, total: maybe(number) })),
  trouble: maybe(text),
  restored: maybe(restored),
});

export type Backup = Checked<typeof backup>;
export type Plan = Checked<typeof plan>;

export interface Kept {
  readonly plan: Plan;
  readonly items: readonly Backup[];
}

export async function fetchKept(): Promise<Kept> {
  const [told, listed] = await Promise.all([get("/backups/plan", plan), get("/backups", backups)]);
  return { plan: told, items: listed.items };
}
export const backUp = (): Promise<Job> => post("/backups", job);
export const tryOut = (id: string): Promise<Job> => post(at`/backups/${id}/verify`, job);
