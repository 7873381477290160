/** Calculated values: metrics that are reckoned from others, at a place and below it, and kept as their own. */
import { type Described, all, at, patch, post, remove } from "@/base/ask";
import { type Checked, maybe, number, orElse, page, shape, text } from "@/base/shape";

export const derived = shape({
  id: text,
  place: text,
  metric: text,
  name: orElse(text, ""),
  unit: orElse(text, ""),
  expression: text,
  device: maybe(text),
  fresh_s: orElse(number, 3600),
  version: number,
});
export const deriveds = page(derived);
export type Derived = Checked<typeof derived>;
/** What a person says of one; its place and its key stay for good. */
export type Said = Omit<Derived, "id" | "version">;

export const everyOne = (): Promise<Derived[]> => all("/derived", deriveds);
export const add = (said: Said): Promise<Derived> => post("/derived", derived, said satisfies Described["NewDerived"]);
export const change = ({ id, version }: Derived, { name, unit, expression, device, fresh_s }: Said): Promise<Derived> =>
  patch(at`/derived/${id}`, derived, { name, unit, expression, device, fresh_s } satisfies Described["DerivedChange"], version);
export const erase = async (id: string): Promise<void> => {
  await remove(at`/derived/${id}`);
};
