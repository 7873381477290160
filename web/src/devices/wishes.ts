/** Wishes: what people want of a device, and how what it says of itself changed. */
import { type Described, at, get, patch } from "@/base/ask";
import { type Checked, anything, page, shape, time } from "@/base/shape";
import { type Device, device } from "@/devices/devices";

const change = shape({ at: time, value: anything, before: anything });
export const changes = page(change);

/** Want a value of a device; null is no wish any more. */
export const wish = (of: Device, key: string, value: unknown): Promise<Device> =>
  patch(at`/devices/${of.id}`, device, { attributes: { desired: { [key]: value } } } satisfies Described["DeviceChange"], null);
export const course = (of: string, key: string, cursor: string | null = null): Promise<Checked<typeof changes>> =>
  get(at`/devices/${of}/attributes/${key}/history`, changes, { limit: 20, cursor });

/** What somebody means who types a value: a number, true or false, JSON, or else text. */
export function meant(typed: string): unknown {
  try {
    const value: unknown = JSON.parse(typed);
    return value === null ? typed : value;
  } catch {
    return typed;
  }
}

/** How a value is typed. */
export const typed = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));

/** Whether a device does as is wanted, however its JSON is written. */
export const agrees = (is: unknown, wanted: unknown): boolean => sorted(is) === sorted(wanted);

const sorted = (value: unknown): string =>
  JSON.stringify(value, (_key, inner: unknown) =>
    inner !== null && typeof inner === "object" && !Array.isArray(inner) ? Object.fromEntries(Object.entries(inner).sort(([one], [other]) => (one < other ? -1 : 1))) : inner,
  );
