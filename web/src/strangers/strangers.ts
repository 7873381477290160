/** Devices that came without a credential: the doors that are open to them, and those that wait to be adopted. */
import { type Described, all, at, get, patch, post, remove } from "@/base/ask";
import { type Checked, anything, flag, list, maybe, number, page, record, shape, text, time } from "@/base/shape";
import { say } from "@/base/words";
import { type Device, created } from "@/devices/devices";

export const dialects = ["cottage", "ozone", "plant", "outlet", "farm"] as const;
export type Dialect = (typeof dialects)[number];
const isDialect = (said: string): said is Dialect => dialects.some((one) => one === said);
/** What people call the devices of a dialect. */
export const family = (dialect: string): string => (isDialect(dialect) ? say(`enrolment.${dialect}`) : dialect);
export const enrolment = shape({
  id: text,
  dialect: text,
  place: text,
  open_until: time,
  max_devices: number,
  networks: list(text),
  port: maybe(number),
  let_in: number,
  version: number,
});
export const enrolments = page(enrolment);
/** A new one; its key is shown once. */
export const opened = shape({ id: text, key: text, url: text, mqtt_username: text });
export const stranger = shape({
  id: text,
  dialect: text,
  address: text,
  place: text,
  path: list(list(text)),
  sample: record(anything),
  readings: number,
  first_seen: time,
  last_seen: time,
});
export const strangers = page(stranger);
/** What became of many at once; who could not be adopted waits on. */
const left = shape({ id: text, address: text, message: text });
export const tree = shape({ devices: list(shape({ id: text })), places: list(shape({ id: text })), refused: list(left) });
export type Left = Checked<typeof left>;
/** How a device of a family is known: whether it spoke with its code, may have a new one, or asks for one. */
export const code = shape({ has_code: flag, proven: flag, open_until: maybe(time), asked_at: maybe(time) });
export type Enrolment = Checked<typeof enrolment>;
export type Opened = Checked<typeof opened>;
export type Stranger = Checked<typeof stranger>;

export const everyEnrolment = (): Promise<Enrolment[]> => all("/enrolments", enrolments);
export const everyStranger = (): Promise<Stranger[]> => all("/pending-devices", strangers);

/** Open a place to a dialect for so many hours and devices; networks stand one a line. */
export const open = (said: { dialect: Dialect; place: string; hours: number; devices: number; networks: string }): Promise<Opened> =>
  post("/enrolments", opened, {
    dialect: said.dialect,
    place: said.place,
    open_until: new Date(Date.now() + said.hours * 3_600_000).toISOString(),
    max_devices: said.devices,
    networks: said.networks.split(/[\s,]+/).filter((one) => one !== ""),
  } satisfies Described["NewEnrolment"]);

/** Let further new devices in for a day, or none from now on. */
export const until = (before: Enrolment, moment: number): Promise<Enrolment> =>
  patch(at`/enrolments/${before.id}`, enrolment, { open_until: new Date(moment).toISOString() } satisfies Described["EnrolmentChange"], before.version);

export const close = (id: string): Promise<unknown> => remove(at`/enrolments/${id}`);
export const dismiss = (id: string): Promise<unknown> => remove(at`/pending-devices/${id}`);

export const adopt = async (id: string, said: { name: string; place: string; type: string | null }): Promise<Device> =>
  (await post(at`/pending-devices/${id}/adopt`, created, said satisfies Described["Adoption"])).device;

export const adoptAll = (prefix: string, place: string): Promise<Checked<typeof tree>> =>
  post("/pending-devices/adopt", tree, { prefix, place } satisfies Described["Adoptions"]);

export const codeOf = (device: string): Promise<Checked<typeof code>> => get(at`/devices/${device}/code`, code);
/** Let a device have a new code for ten minutes. */
export const openCode = (device: string): Promise<Checked<typeof code>> => post(at`/devices/${device}/code`, code);

/** What a stranger said last, in a few words. */
export const told = (one: Stranger): string =>
  Object.entries(one.sample)
    .slice(0, 6)
    .map(([metric, value]) => `${metric} ${typeof value === "number" ? String(Math.round(value * 100) / 100) : String(value)}`)
    .join(" · ");

/** What it says it stands in, outermost first. */
export const whereabouts = (one: Stranger): string => one.path.map((pair) => pair[1] ?? "").join(" › ");
