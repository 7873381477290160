/** The overview: how every place is, and what needs somebody. */
import { type Alert, holding, marks, pressing } from "@/alerts/alerts";
import { get } from "@/base/ask";
import { byName } from "@/base/tell";
import { may } from "@/session/session";
import { type Task, toDo } from "@/tasks/tasks";
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
  state: oneOf("good", "attention", "urgent", "unknown"),
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

/** What asks for somebody beside the devices: alerts that hold, and tasks. */
export interface Calls {
  readonly alerts: readonly Alert[];
  readonly tasks: readonly Task[];
}
export const fetchCalls = async (): Promise<Calls> => {
  const [alerts, tasks] = await Promise.all([may("alerts:read") ? holding() : [], may("tasks:read") ? toDo() : []]);
  return { alerts, tasks };
};

/** Something on Today that asks for a person. */
export interface Need {
  readonly key: string;
  readonly state: "urgent" | "attention" | "due" | "waiting";
  readonly title: { readonly name: string; readonly silent: boolean } | { readonly because: string; readonly name: string } | { readonly alert: Alert } | { readonly task: Task };
  readonly place: string | null;
  readonly lastSeen: number | null;
  readonly to: string;
}

const DAY = 86_400_000;
/** The most pressing first. */
const order = ["urgent", "attention", "due", "waiting"] as const;

/** What needs somebody: alerts nobody has taken note of, silent devices and troubled places that those do not tell of, and tasks that are due for `me`. */
export function needs({ places, silent }: Overview, { alerts, tasks }: Calls, me: string | null, now: number): Need[] {
  const alerted = new Set(alerts.map(({ device }) => device));
  const explained = new Set([...silent, ...alerts].map(({ place }) => place));
  const troubled = places.filter((place) => place.state === "attention" && place.because !== null && !explained.has(place.id));
  const due = tasks.filter((task) => task.due !== null && task.due < now + DAY && (task.assignee === null || task.assignee === me));
  const found = [
    ...alerts.filter(({ state }) => state === "active").toSorted(pressing).map((alert): Need => ({
      key: alert.id,
      state: marks[alert.severity] === "urgent" ? "urgent" : "attention",
      title: { alert },
      place: alert.place,
      lastSeen: null,
      to: `/alerts/${alert.id}`,
    })),
    ...troubled.map((place): Need => ({
      key: place.id,
      state: "attention",
      title: { because: place.because ?? "", name: place.name },
      place: null,
      lastSeen: null,
      to: `/places/${place.id}`,
    })),
    ...silent.filter(({ device }) => !alerted.has(device)).map((one): Need => ({
      key: one.device,
      state: one.last_seen === null ? "waiting" : "attention",
      title: { name: one.name, silent: one.last_seen !== null },
      place: one.place,
      lastSeen: one.last_seen,
      to: `/devices/${one.device}`,
    })),
    ...due.map((task): Need => ({ key: task.id, state: "due", title: { task }, place: task.place, lastSeen: null, to: "/tasks" })),
  ];
  return found.toSorted((one, other) => order.indexOf(one.state) - order.indexOf(other.state));
}

/** A place as its alerts have it: the worst that holds there, unless somebody has taken note of all. */
export function alerted(place: PlaceState, alerts: readonly Alert[]): PlaceState {
  const worst = alerts.filter((one) => one.place === place.id && one.state === "active" && one.severity !== "info").toSorted(pressing)[0];
  return worst === undefined ? place : { ...place, state: worst.severity === "critical" ? "urgent" : "attention", because: worst.message };
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
