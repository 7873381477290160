/** What the organisation may use, and what it uses now. */
import { all } from "@/base/ask";
import { type Check, type Checked, maybe, number, oneOf, page, shape, text } from "@/base/shape";

export const names = ["connections", "data_points", "messages", "series", "attributes", "packet_bytes", "api_per_s", "api_burst", "inbox_messages", "inbox_bytes", "inbox_days", "stranger_readings"] as const;
const amount: Check<number | string> = (value, at = "$") => (typeof value === "string" ? text(value, at) : number(value, at));
export const limit = shape({ name: oneOf(...names), of: oneOf("organisation", "device", "caller", "session", "stranger"), value: amount, used: maybe(number) });
export const limits = page(limit);
export type Limit = Checked<typeof limit>;

export const everyLimit = (): Promise<Limit[]> => all("/limits", limits);

/** "200:1,6000:60" as people say it: [200, 1], [6000, 60]. */
export const rates = (rate: string): [number, number][] =>
  rate.split(",").filter(Boolean).map((bound) => bound.split(":").map(Number) as [number, number]);
