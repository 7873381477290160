/** API keys: how programs get in. */
import { type Described, all, at, post, remove } from "@/base/ask";
import { type Checked, maybe, oneOf, page, shape, text, time } from "@/base/shape";

export const roles = ["viewer", "member", "manager", "owner"] as const;
export type Role = (typeof roles)[number];
const fields = { id: text, name: text, role: oneOf(...roles), created_at: time, last_used_at: maybe(time) };
export const apiKey = shape(fields);
export const apiKeys = page(apiKey);
/** A new key; `token` is shown once. */
export const createdKey = shape({ ...fields, token: text });
export type ApiKey = Checked<typeof apiKey>;

export const everyKey = (): Promise<ApiKey[]> => all("/api-keys", apiKeys);
export const add = (name: string, role: Role): Promise<Checked<typeof createdKey>> =>
  post("/api-keys", createdKey, { name, role } satisfies Described["NewKey"]);
export const erase = async (id: string): Promise<void> => {
  await remove(at`/api-keys/${id}`);
};
