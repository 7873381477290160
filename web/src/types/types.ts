/** Device types, the keys with which devices of one let themselves in, and what devices may bring about. */
import { type Described, all, at, get, patch, post, remove } from "@/base/ask";
import { type Checked, flag, maybe, number, oneOf, orElse, page, shape, text } from "@/base/shape";
import { silence } from "@/devices/devices";

export const strategies = ["off", "new", "known"] as const;
export type Strategy = (typeof strategies)[number];
export const deviceType = shape({ key: text, name: text, silence: orElse(silence, { after_s: null, alert: null }), version: number });
export const joining = shape({ strategy: oneOf(...strategies), place: maybe(text), key: maybe(text), version: number });
/** A fresh key; its secret is shown once. */
export const renewed = shape({ provisioning: joining, credentials: shape({ key: text, secret: text }) });
export const policy = shape({ made_by_gateways: flag, claimed_by_others: flag, version: number });
export type DeviceType = Checked<typeof deviceType>;
export type Joining = Checked<typeof joining>;
export type JoinKey = Checked<typeof renewed>["credentials"];
export type Policy = Checked<typeof policy>;

export const everyType = (): Promise<DeviceType[]> => all("/device-types", page(deviceType));
export const addType = (said: Pick<DeviceType, "key" | "name">): Promise<DeviceType> => post("/device-types", deviceType, said satisfies Described["NewType"]);
export const changeType = ({ key, version }: DeviceType, said: Pick<DeviceType, "name" | "silence">): Promise<DeviceType> =>
  patch(at`/device-types/${key}`, deviceType, said satisfies Described["TypeChange"], version);
export const joiningOf = (key: string): Promise<Joining> => get(at`/device-types/${key}/provisioning`, joining);
export const renewKey = (key: string, said: Pick<Joining, "strategy" | "place">): Promise<Checked<typeof renewed>> =>
  post(at`/device-types/${key}/provisioning`, renewed, said satisfies Described["NewJoinKey"]);
export const changeJoining = (key: string, before: Joining, said: Pick<Joining, "strategy" | "place">): Promise<Joining> =>
  patch(at`/device-types/${key}/provisioning`, joining, said satisfies Described["NewJoinKey"], before.version);
export const endKey = async (key: string): Promise<void> => {
  await remove(at`/device-types/${key}/provisioning`);
};
export const policyNow = (): Promise<Policy> => get("/settings/devices", policy);
export const decide = (before: Policy, said: Partial<Policy>): Promise<Policy> =>
  patch("/settings/devices", policy, said satisfies Described["PolicyChange"], before.version);
