/** Claims: devices that are handed to whoever knows their secret. */
import { type Described, at, get, post, remove } from "@/base/ask";
import { type Checked, flag, maybe, shape, text, time } from "@/base/shape";
import { type Device, device } from "@/devices/devices";

export const claimState = shape({ open: flag, until: maybe(time), secret: flag });
export const offered = shape({ device: text, secret: text, until: time });
export type ClaimState = Checked<typeof claimState>;
export type Offered = Checked<typeof offered>;

export const stateOf = (id: string): Promise<ClaimState> => get(at`/devices/${id}/claim`, claimState);
export const offer = (id: string): Promise<Offered> => post(at`/devices/${id}/claim`, offered);
export const end = async (id: string): Promise<void> => {
  await remove(at`/devices/${id}/claim`);
};
export const claim = (said: Described["NewClaim"]): Promise<Device> => post("/claims", device, said);

/** The link that leads to a device that waits; the secret stays behind the #, which no server sees. */
export const linkTo = ({ device: id, secret }: Offered): string => `${location.origin}/claim?device=${encodeURIComponent(id)}#${encodeURIComponent(secret)}`;
