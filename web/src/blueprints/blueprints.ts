/** Blueprints: what a kind of place begins with, and which lie where. */
import { type Described, all, at, get, post } from "@/base/ask";
import { type Checked, list, maybe, oneOf, page, shape, text, time } from "@/base/shape";

const part = shape({ key: text, name: text, says: text });
const waiting = shape({ what: text, needs: text });
export const blueprint = shape({
  name: text,
  title: text,
  about: text,
  place_kinds: list(shape({ kind: text, name: text, within: maybe(text) })),
  device_types: list(part),
  derived: list(part),
  rules: list(part),
  tasks: list(part),
  dashboard: shape({ values: list(text), controls: list(text), counts: list(text) }),
  waiting: list(waiting),
});
export const blueprints = page(blueprint);
export const laid = shape({ name: text, place: text, at: time, by: text });
export const laids = page(laid);
export const kindsOfPart = ["device_type", "derived", "rule", "task"] as const;
const done = shape({ kind: oneOf(...kindsOfPart), key: text, name: text, id: maybe(text), why: text });
export const furnished = shape({ name: text, place: text, made: list(done), kept: list(done), waiting: list(waiting) });
export type Blueprint = Checked<typeof blueprint>;
export type Laid = Checked<typeof laid>;
export type Furnished = Checked<typeof furnished>;
/** What a place shows first: metrics and methods in this order, and which kinds of events it counts. */
export type Dashboard = Blueprint["dashboard"];

let known: Promise<Blueprint[]> | null = null;
/** All blueprints; they change with the program only, so they are asked for once. */
export function everyBlueprint(): Promise<Blueprint[]> {
  known ??= all("/blueprints", blueprints).catch((error: unknown) => {
    known = null;
    throw error;
  });
  return known;
}

/** Which lie on a place and on those around it, the nearest first. */
export const laidAt = async (place: string): Promise<Laid[]> => (await get(at`/places/${place}/blueprints`, laids)).items;
export const lay = (place: string, name: string): Promise<Furnished> =>
  post(at`/places/${place}/blueprint`, furnished, { name } satisfies Described["WantedBlueprint"]);

/** What a place shows first by all that lies on it and around it. */
export function dashboardOf(here: readonly Laid[], every: readonly Blueprint[]): Dashboard {
  const found = here.flatMap(({ name }) => every.filter((one) => one.name === name)).map(({ dashboard }) => dashboard);
  const each = (name: keyof Dashboard): string[] => [...new Set(found.flatMap((one) => one[name]))];
  return { values: each("values"), controls: each("controls"), counts: each("counts") };
}

/** Orders things as a list names them; what it does not name comes after, as it was. */
export const inOrder = (order: readonly string[]) => (one: string, other: string): number => {
  const rank = (name: string): number => (order.includes(name) ? order.indexOf(name) : order.length);
  return rank(one) - rank(other);
};

/** The kind that a place is likely of: the outermost, or the one that lies in what is around. */
export const kindOf = ({ place_kinds }: Blueprint, around: string | null): string | null =>
  (place_kinds.find(({ within }) => within !== null && within === around) ?? place_kinds.find(({ within }) => within === null))?.kind ?? null;
