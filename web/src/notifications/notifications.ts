/** Notifications: what I was told and have not seen, where I am told, and when. */
import { computed, ref } from "vue";
import { type Described, all, at, get, patch, post, remove } from "@/base/ask";
import { type Checked, flag, list, maybe, number, oneOf, page, shape, text, time } from "@/base/shape";
import { when } from "@/base/tell";
import { say } from "@/base/words";

export const severities = ["info", "warning", "critical"] as const;
export const kinds = ["email", "push", "telegram", "ntfy", "webhook"] as const;
export type Severity = (typeof severities)[number];
export type Kind = (typeof kinds)[number];

const progress = shape({
  target: text,
  kind: oneOf(...kinds),
  name: text,
  state: oneOf("waiting", "sent", "given_up"),
  due_at: time,
  attempts: number,
  sent_at: maybe(time),
  error: maybe(text),
  paused: flag,
});
export const notification = shape({
  id: text,
  severity: oneOf(...severities),
  kind: text,
  title: text,
  body: text,
  subject: maybe(text),
  place: maybe(text),
  device: maybe(text),
  at: time,
  read_at: maybe(time),
  ways: list(progress),
});
export const notifications = page(notification);
const fields = {
  id: text,
  kind: oneOf(...kinds),
  name: text,
  address: text,
  severities: list(oneOf(...severities)),
  failures: number,
  error: maybe(text),
  delivered_at: maybe(time),
  paused_at: maybe(time),
  version: number,
};
export const target = shape(fields);
export const targets = page(target);
const made = shape({ ...fields, secret: maybe(text) });
const quiet = shape({ begin: text, end: text, but: list(oneOf(...severities)) });
const digest = shape({ at: text, severities: list(oneOf(...severities)) });
export const preferences = shape({ timezone: maybe(text), quiet: maybe(quiet), digest: maybe(digest), per_hour: number, lesser: flag, version: number });
const left = shape({ unread: number });
const tried = shape({ delivered: flag, error: maybe(text) });
const pushKey = shape({ key: text });

export type Notification = Checked<typeof notification>;
export type Progress = Checked<typeof progress>;
export type Target = Checked<typeof target>;
export type Made = Checked<typeof made>;
export type Preferences = Checked<typeof preferences>;
export type Tried = Checked<typeof tried>;

const home = "/me/notifications";
const counted = ref(0);

/** How many I have not seen. */
export const unread = computed(() => counted.value);
export const countTold = (n: number): void => void (counted.value = n);
export const countOne = (): void => void (counted.value += 1);
export const count = async (): Promise<void> => countTold((await get(`${home}/unread`, left)).unread);

export const fetchSome = (cursor: string | null, onlyUnread: boolean): Promise<Checked<typeof notifications>> =>
  get(home, notifications, { cursor, limit: 30, ...(onlyUnread ? { unread: "true" } : {}) });

/** Say that I have seen some, or all. */
export async function seen(ids: readonly string[] | null): Promise<void> {
  countTold((await post(`${home}/read`, left, { notifications: ids })).unread);
}

/** Where a notification leads, if anywhere. */
export function leads({ subject, device, place }: Notification): string | null {
  const [kind, id] = subject?.split(":") ?? [];
  if (kind === "target") return "/settings/notifications";
  if (kind === "alert") return `/alerts/${id}`;
  if (kind === "task") return "/tasks";
  if (device !== null) return `/devices/${device}`;
  return place === null ? null : `/places/${place}`;
}

/** How far a notification came on one way, as a sentence, and whether something is wrong with it. */
export function came({ name, state, due_at, attempts, sent_at, error, paused }: Progress, now: number, zone: string): { told: string; wrong: boolean } {
  if (state === "sent") return { told: say("way.sent", { name, when: when(sent_at ?? due_at, now, zone) }), wrong: false };
  if (state === "given_up") return { told: say("way.givenUp", { name }), wrong: true };
  if (paused) return { told: say("way.paused", { name }), wrong: true };
  if (attempts > 0) return { told: say("way.failing", { name, n: attempts, when: when(due_at, now, zone), why: error ?? "" }), wrong: true };
  return { told: due_at > now ? say("way.later", { name, when: when(due_at, now, zone) }) : say("way.waiting", { name }), wrong: false };
}

export const everyTarget = (): Promise<Target[]> => all(`${home}/targets`, targets);
export const add = (said: Described["AddedTarget"]): Promise<Made> => post(`${home}/targets`, made, said);
export const change = ({ id, version }: Target, said: Described["TargetChange"]): Promise<Target> => patch(at`/me/notifications/targets/${id}`, target, said, version);
export const test = ({ id }: Target): Promise<Tried> => post(at`/me/notifications/targets/${id}/test`, tried);
export const erase = async (id: string): Promise<void> => {
  await remove(at`/me/notifications/targets/${id}`);
};
export const fetchPreferences = (): Promise<Preferences> => get(`${home}/preferences`, preferences);
export const prefer = (said: Described["PreferenceChange"], version: number): Promise<Preferences> => patch(`${home}/preferences`, preferences, said, version);
export const fetchKey = async (): Promise<string> => (await get(`${home}/push-key`, pushKey)).key;
