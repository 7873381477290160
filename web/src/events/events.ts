/** Events: what happened at a device, the newest first. */
import { at, get } from "@/base/ask";
import { type Checked, anything, maybe, page, shape, text, time } from "@/base/shape";

export const event = shape({ id: text, kind: text, at: time, received_at: maybe(time), data: anything });
export const events = page(event);
export type Event = Checked<typeof event>;

export const ofDevice = (device: string, cursor: string | null = null): Promise<Checked<typeof events>> =>
  get(at`/devices/${device}/events`, events, { limit: 6, cursor });
