/** Device types, the keys with which devices of one let themselves in, and what devices may bring about. */
import { type Described, all, at, get, patch, post, remove } from "@/base/ask";
import { type Checked, flag, maybe, number, oneOf, orElse, page, shape, text } from "@/base/shape";
import { silence } from "@/devices/devices";

export const strategies = ["off", "new", "known"] as const;
export type Strategy = (typeof strategies)[number];
const amounts = ["series", "attributes", "packet_bytes", "inbox_messages", "inbox_bytes", "inbox_days"] as const;
export const limitNames = ["messages", ...amounts] as const;
/** What each device of a type may use; null and "" are what the organisation may. */
export const typeLimits = shape({
  messages: orElse(text, ""), series: maybe(number), attributes: maybe(number), packet_bytes: maybe(number),
  inbox_messages: maybe(number), inbox_bytes: maybe(number), inbox_days: maybe(number),
});
export const deviceType = shape({
  key: text, name: text, silence: orElse(silence, { after_s: null, alert: null }), limits: orElse(typeLimits, typeLimits({})), version: number,
});
export const joining = shape({ strategy: oneOf(...strategies), place: maybe(text), key: maybe(text), version: number });
/** A fresh key; its secret is shown once. */
export const renewed = shape({ provisioning: joining, credentials: shape({ key: text, secret: text }) });
export const policy = shape({ made_by_gateways: flag, claimed_by_others: flag, version: number });
export type DeviceType = Checked<typeof deviceType>;
export type TypeLimits = Checked<typeof typeLimits>;
export type Joining = Checked<typeof joining>;
export type JoinKey = Checked<typeof renewed>["credentials"];
export type Policy = Checked<typeof policy>;

export const everyType = (): Promise<DeviceType[]> => all("/device-types", page(deviceType));
export const addType = (said: Pick<DeviceType, "key" | "name">): Promise<DeviceType> => post("/device-types", deviceType, said satisfies Described["NewType"]);
export const changeType = ({ key, version }: DeviceType, said: Pick<DeviceType, "name" | "silence" | "limits">): Promise<DeviceType> =>
  patch(at`/device-types/${key}`, deviceType, said satisfies Described["TypeChange"], version);
export const writtenLimits = (limits: TypeLimits): Record<(typeof limitNames)[number], string> => ({
  messages: limits.messages, series: String(limits.series ?? ""), attributes: String(limits.attributes ?? ""), packet_bytes: String(limits.packet_bytes ?? ""),
  inbox_messages: String(limits.inbox_messages ?? ""), inbox_bytes: String(limits.inbox_bytes ?? ""), inbox_days: String(limits.inbox_days ?? ""),
});
/** What is no number becomes one that the server refuses in words. */
const amount = (written: string): number | null => (written.trim() === "" ? null : /^\d+$/.test(written.trim()) ? Number(written) : -1);
export const readLimits = (written: ReturnType<typeof writtenLimits>): TypeLimits => ({
  messages: written.messages.trim(), series: amount(written.series), attributes: amount(written.attributes), packet_bytes: amount(written.packet_bytes),
  inbox_messages: amount(written.inbox_messages), inbox_bytes: amount(written.inbox_bytes), inbox_days: amount(written.inbox_days),
});
export const limited = ({ limits }: DeviceType): boolean => limits.messages !== "" || amounts.some((name) => limits[name] !== null);
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
