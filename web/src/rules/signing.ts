/** What signs the calls of rules to other programs. */
import { get, post } from "@/base/ask";
import { type Checked, maybe, number, shape, text, time } from "@/base/shape";

export const signing = shape({ secret: text, made_at: time, previous_until: maybe(time), version: number });
export type Signing = Checked<typeof signing>;

export const fetchSigning = (): Promise<Signing> => get("/webhooks/secret", signing);
/** Sign by a fresh secret; the one before signs too for a day, unless it ends at once. */
export const renew = (atOnce: boolean): Promise<Signing> => post("/webhooks/secret/renew", signing, { at_once: atOnce });
