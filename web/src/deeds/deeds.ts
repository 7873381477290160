/** Deeds: what people and programs did here. */
import { get } from "@/base/ask";
import { type Checked, maybe, page, shape, text, time } from "@/base/shape";

export const deed = shape({ id: text, at: time, by: text, did: text, kind: text, subject: maybe(text) });
export const deeds = page(deed);
export type Deed = Checked<typeof deed>;

export const someDeeds = (cursor: string | null): Promise<Checked<typeof deeds>> => get("/deeds", deeds, { limit: 50, cursor });

const pages: readonly string[] = ["devices", "places", "rules", "alerts"];
/** Where the thing is that it was done to, if it has a page of its own. */
export const pageOf = ({ kind, subject }: Deed): string | null => (subject !== null && pages.includes(kind) ? `/${kind}/${subject}` : null);
