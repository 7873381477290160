/** The system: what the platform itself is doing; log and disk are null to those who do not run it. */
import { get, ready } from "@/base/ask";
import { type Checked, anything, list, maybe, number, orElse, record, shape, text, time } from "@/base/shape";
import { type Plain, say } from "@/base/words";

const follower = shape({ name: text, position: number, lag: number, lag_s: maybe(number) });
const deadLetter = shape({ id: text, follower: text, sequence: number, reason: text, at: time });
const disk = shape({
  total: number,
  free: number,
  data: number,
  safe_mode_since: maybe(time),
  bytes_per_day: maybe(number),
  full_at: maybe(time),
  sentence: maybe(text),
});
export type Disk = Checked<typeof disk>;
export const system = shape({
  version: text,
  log: maybe(shape({ last: number, kept_bytes: number, rate: maybe(number), trouble: maybe(text) })),
  followers: list(follower),
  dead_letters: list(deadLetter),
  history: orElse(record(anything), {}),
  devices: number,
  connections: number,
  aside: orElse(list(anything), []),
  disk: maybe(disk),
});
const readiness = shape({ status: text, version: text, checks: record(text), warnings: orElse(record(text), {}) });

export type System = Checked<typeof system>;
export type Readiness = Checked<typeof readiness>;

export const fetchSystem = (): Promise<System> => get("/system", system);
export const fetchReadiness = (): Promise<Readiness> => ready(readiness);

const followers: Readonly<Record<string, Plain>> = {
  history: "system.follower.history",
  recording: "system.follower.recording",
  presence: "system.follower.presence",
  live: "system.follower.live",
  tree: "system.follower.tree",
};
/** What a follower of the log is called; one that is new here keeps the server's name. */
export const followerShown = (name: string): string => {
  const phrase = followers[name];
  return phrase === undefined ? name : say(phrase);
};
