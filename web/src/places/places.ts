/** Places: one tree, kept for every page, since each shows where it is. */
import { type Ref, ref, shallowReadonly, shallowRef } from "vue";
import { type Described, all, at, patch, post, remove } from "@/base/ask";
import { byName } from "@/base/tell";
import { tenant } from "@/session/session";
import { type Checked, anything, maybe, number, orElse, page, record, shape, text } from "@/base/shape";

export const place = shape({
  id: text,
  name: text,
  kind: orElse(text, "place"),
  parent: maybe(text),
  timezone: orElse(text, "UTC"),
  address: orElse(text, ""),
  attributes: orElse(record(anything), {}),
  version: maybe(number),
});
export const places = page(place);
export type Place = Checked<typeof place>;
/** How many devices are in a place and below it, how many are silent, and how many never spoke. */
export interface Count {
  readonly devices: number;
  readonly silent: number;
  readonly unheard: number;
}
/** What a person says of a place. */
export type Said = Pick<Place, "name" | "kind" | "parent" | "timezone">;

export const kinds = ["house", "cottage", "farm", "garden", "greenhouse", "room", "branch", "workshop", "machine", "place"] as const;

const kept = shallowRef<readonly Place[]>([]);
const fetched = ref(false);
export const everywhere: Readonly<Ref<readonly Place[]>> = shallowReadonly(kept);

/** Fetch the tree, or take it as it was last seen when `fresh` is not asked for. */
export async function tree(fresh = true): Promise<readonly Place[]> {
  if (fresh || !fetched.value) {
    const came = await all("/places", places);
    kept.value = came.toSorted((one, other) => byName(one.name, other.name));
    fetched.value = true;
  }
  return kept.value;
}

/** The zone of a place; that of the organisation where nobody knows the place. */
export const zoneOf = (id: string | null): string => (id === null ? null : placeOf(id)?.timezone) ?? tenant.value?.timezone ?? "UTC";
export const placeOf = (id: string): Place | null => kept.value.find((one) => one.id === id) ?? null;
export const below = (parent: string | null, among: readonly Place[] = kept.value): Place[] =>
  among.filter((one) => one.parent === parent || (parent === null && !among.some(({ id }) => id === one.parent)));

/** A place and everything that lies in it. */
export const within = (id: string, among: readonly Place[] = kept.value): Set<string> => {
  const found = new Set([id]);
  for (const each of found) for (const child of below(each, among)) found.add(child.id);
  return found;
};

/** What a place lies in, outermost first, and the place itself at the end. */
export function path(id: string | null, among: readonly Place[] = kept.value): Place[] {
  const found: Place[] = [];
  for (let next = id; next !== null; ) {
    const here = among.find((one) => one.id === next);
    if (here === undefined || found.includes(here)) break;
    found.unshift(here);
    next = here.parent;
  }
  return found;
}

/** What a place says of itself by a name, or the nearest around it that says so; undefined where none does. */
export const saidAt = (id: string, name: string, among: readonly Place[] = kept.value): unknown => path(id, among).findLast(({ attributes }) => name in attributes)?.attributes[name];

export async function add(said: Said): Promise<Place> {
  const made = await post("/places", place, said satisfies Described["NewPlace"]);
  await tree();
  return made;
}

export async function change(before: Place, said: Partial<Said>): Promise<Place> {
  const changed = await patch(at`/places/${before.id}`, place, said satisfies Described["PlaceChange"], before.version);
  await tree();
  return changed;
}

/** Delete a place; what it holds is deleted too or moved, if there is anything. */
export async function erase(id: string, contents: { readonly contents?: "delete" | "move"; readonly to?: string } = {}): Promise<void> {
  await remove(at`/places/${id}`, contents);
  await tree();
}
