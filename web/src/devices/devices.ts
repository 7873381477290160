/** Devices: what they are, what they said last, what was refused of it, and how they get in. */
import { type Described, all, at, get, patch, post, remove } from "@/base/ask";
import { type Check, type Checked, anything, flag, maybe, number, orElse, page, record, shape, text, time } from "@/base/shape";

const named = shape({ unit: orElse(text, ""), name: orElse(text, "") });
const connect = shape({ mqtt: shape({ port: number }) });
/** After how long a device is silent, and whether that opens an alert; null is as its type says, else as usual. */
export const silence = shape({ after_s: maybe(number), alert: maybe(flag) });
export const device = shape({
  id: text,
  name: text,
  place: text,
  type: maybe(text),
  dialect: orElse(text, "native"),
  address: maybe(text),
  gateway: maybe(text),
  is_gateway: orElse(flag, false),
  online: flag,
  last_seen: maybe(time),
  silent_since: maybe(time),
  silence: orElse(silence, { after_s: null, alert: null }),
  metrics: orElse(record(named), {}),
  attributes: shape({ reported: record(anything), desired: record(anything) }),
  connect: maybe(connect),
  version: maybe(number),
});
export const devices = page(device);
/** What a device proves itself with; shown once. One that signs in has a secret, and no token. */
export const credentials = shape({ access_token: maybe(text), secret: maybe(text) });
export const created = shape({ device, credentials });
export const renewed = shape({ credentials });
const reading = shape({ value: number, unit: maybe(text), at: time });
export const latest: Check<Record<string, Reading>> = record(reading);
export const remark = shape({ at: time, kind: text, message: text, count: number });
export const remarks = page(remark);

export type Device = Checked<typeof device>;
export type Reading = Checked<typeof reading>;
export type Remark = Checked<typeof remark>;
export type Credentials = Checked<typeof credentials>;
export type Named = Checked<typeof named>;
export type Connect = Checked<typeof connect>;

/** How a device can be looked for. */
export const deviceStates = ["all", "online", "silent", "unheard"] as const;
export type DeviceIs = (typeof deviceStates)[number];

/** Whether a device is as it is looked for, and each word stands in its name, address, type or where it is. */
export function isLike({ name, address, type, online, last_seen, silent_since }: Device, where: string, text: string, state: DeviceIs): boolean {
  const is = { all: true, online, silent: silent_since !== null, unheard: !online && last_seen === null };
  const told = [name, address ?? "", type ?? "", where].join(" ").toLowerCase();
  return is[state] && text.toLowerCase().split(/\s+/).every((word) => told.includes(word));
}

export const inPlace = (place: string): Promise<Device[]> => all("/devices", devices, { place });
export const everyOne = (): Promise<Device[]> => all("/devices", devices);
export const one = (id: string): Promise<Device> => get(at`/devices/${id}`, device);
export const saidLast = (id: string): Promise<Record<string, Reading>> => get(at`/devices/${id}/latest`, latest);
export const log = (id: string, cursor: string | null = null): Promise<Checked<typeof remarks>> =>
  get(at`/devices/${id}/log`, remarks, { limit: 20, cursor });

/** A device after it was told that some of its attributes are others now; null is no wish any more. */
export function withTold(before: Device, told: { readonly reported: Readonly<Record<string, unknown>>; readonly desired: Readonly<Record<string, unknown>> }): Device {
  const desired = Object.entries({ ...before.attributes.desired, ...told.desired }).filter(([, value]) => value !== null);
  return { ...before, attributes: { reported: { ...before.attributes.reported, ...told.reported }, desired: Object.fromEntries(desired) } };
}

// Secrets are shown once: they live here from the answer that brought them until the page is left, and nowhere else.
const fresh = new Map<string, Credentials>();
export const freshCredentials = (id: string): Credentials | null => fresh.get(id) ?? null;
export const letGo = (id: string): void => {
  fresh.delete(id);
};

export async function add(said: { name: string; place: string; type?: string | null }): Promise<Device> {
  const made = await post("/devices", created, said satisfies Described["NewDevice"]);
  fresh.set(made.device.id, made.credentials);
  return made.device;
}

/** Make a new secret; the old one ends at once. */
export async function renew(id: string): Promise<Credentials> {
  const { credentials: made } = await post(at`/devices/${id}/credentials`, renewed);
  fresh.set(id, made);
  return made;
}

export const change = (before: Device, said: Partial<Pick<Device, "name" | "place" | "type" | "metrics" | "is_gateway" | "silence">>): Promise<Device> =>
  patch(at`/devices/${before.id}`, device, said satisfies Described["DeviceChange"], before.version);

/** Retire a device; with `history` its values go too. */
export const retire = async (id: string, history: boolean): Promise<void> => {
  await remove(at`/devices/${id}`, history ? { history: "delete" } : {});
};
