/** The overview: how every place is, and what needs somebody. */
import { get } from "@/base/ask";
import { byName } from "@/base/tell";
import { type Checked, list, maybe, number, oneOf, orElse, shape, text, time } from "@/base/shape";

const headline = shape({
  device: text,
  device_name: text,
  metric: text,
  name: orElse(text, ""),
  value: maybe(number),
  unit: maybe(text),
  at: maybe(time),
  spark: orElse(list(maybe(number)), []),
});
const placeState = shape({
  id: text,
  name: text,
  kind: text,
  parent: maybe(text),
  timezone: orElse(text, "UTC"),
  state: oneOf("good", "attention", "unknown"),
  because: maybe(text),
  devices: number,
  online: number,
  headline: list(headline),
});
const silent = shape({ device: text, name: text, place: text, last_seen: maybe(time), silent_since: maybe(time) });
export const overview = shape({ places: list(placeState), silent: list(silent), devices: number, online: number, notices: orElse(list(text), []) });

export type Overview = Checked<typeof overview>;
export type PlaceState = Checked<typeof placeState>;
export type Headline = Checked<typeof headline>;
export type Silent = Checked<typeof silent>;

export const fetchOverview = (): Promise<Overview> => get("/overview", overview);

/** Something on Today that asks for a person. */
export interface Need {
  readonly key: string;
  readonly state: "attention" | "waiting";
  readonly title: { readonly name: string; readonly silent: boolean } | { readonly because: string; readonly name: string };
  readonly place: string | null;
  readonly lastSeen: number | null;
  readonly to: string;
}

/** What needs somebody: silent devices, and places whose trouble they do not explain. */
export function needs({ places, silent }: Overview): Need[] {
  const explained = new Set(silent.map(({ place }) => place));
  const troubled = places.filter((place) => place.state === "attention" && place.because !== null && !explained.has(place.id));
  return [
    ...troubled.map((place): Need => ({
      key: place.id,
      state: "attention",
      title: { because: place.because ?? "", name: place.name },
      place: null,
      lastSeen: null,
      to: `/places/${place.id}`,
    })),
    ...silent.map((one): Need => ({
      key: one.device,
      state: one.last_seen === null ? "waiting" : "attention",
      title: { name: one.name, silent: one.last_seen !== null },
      place: one.place,
      lastSeen: one.last_seen,
      to: `/devices/${one.device}`,
    })),
  ];
}

/** A line of Today: a place, and the names of what it lies in and its own. */
export interface Line {
  readonly place: PlaceState;
  readonly path: readonly string[];
}

/** The places in the order of their tree. */
export const lines = (places: readonly PlaceState[], pathOf: (id: string) => readonly string[]): Line[] =>
  places
    .map((place) => ({ place, path: pathOf(place.id) }))
    .sort((one, other) => byName(one.path.join(" "), other.path.join(" ")));
