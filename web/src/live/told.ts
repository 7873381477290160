/** What the server tells a screen, and what the screen shows after it: pure, so that it can be proven. */
import { type Checked, anything, flag, list, maybe, number, oneOf, orElse, record, shape, text, time } from "@/base/shape";

const latest = shape({ value: maybe(number), unit: maybe(text), at: time });
const standing = shape({ id: text, online: flag, last_seen: maybe(time), silent_since: maybe(time), latest: orElse(record(latest), {}) });
const snapshot = shape({ type: oneOf("snapshot"), place: maybe(text), device: maybe(text), devices: orElse(list(standing), []) });
const readings = shape({ type: oneOf("readings"), device: text, at: time, values: record(maybe(number)) });
const presence = shape({ type: oneOf("device"), id: text, online: flag, last_seen: maybe(time), silent_since: maybe(time) });
const happened = shape({ type: oneOf("event"), device: text, id: maybe(text), kind: text, at: time, data: anything });
const attributes = shape({ type: oneOf("attributes"), device: text, reported: orElse(record(anything), {}), desired: orElse(record(anything), {}) });
const alerted = shape({ type: oneOf("alert"), id: text, place: maybe(text), device: maybe(text), sources: orElse(list(text), []) });
const tasked = shape({ type: oneOf("task"), id: text });
const grown = shape({ type: oneOf("cycle"), id: text, place: text });
const commanded = shape({ type: oneOf("command"), id: text, device: text, stage: text });
const mistake = shape({ type: oneOf("error"), detail: text });
const notification = shape({ type: oneOf("notification"), id: text });
const notificationsRead = shape({ type: oneOf("notifications_read"), unread: number });
const kind = shape({ type: text });

export type Told =
  | Checked<typeof snapshot>
  | Checked<typeof readings>
  | Checked<typeof presence>
  | Checked<typeof happened>
  | Checked<typeof attributes>
  | Checked<typeof alerted>
  | Checked<typeof tasked>
  | Checked<typeof grown>
  | Checked<typeof commanded>
  | Checked<typeof notification>
  | Checked<typeof notificationsRead>
  | Checked<typeof mistake>;
export type Latest = Checked<typeof latest>;
export interface Standing {
  readonly online: boolean;
  readonly lastSeen: number | null;
  readonly silentSince: number | null;
  readonly latest: Readonly<Record<string, Latest>>;
}
export type Shown = ReadonlyMap<string, Standing>;

const checks = { snapshot, readings, device: presence, event: happened, attributes, alert: alerted, task: tasked, cycle: grown, command: commanded, notification, notifications_read: notificationsRead, error: mistake } as const;

/** Read one frame; null for a kind that no page shows yet. */
export function hear(frame: unknown): Told | null {
  const { type } = kind(frame);
  return type in checks ? checks[type as keyof typeof checks](frame) : null;
}

/** The devices a frame changes, as they stand after it. */
export function after(shown: Shown, told: Told): [string, Standing][] {
  switch (told.type) {
    case "snapshot":
      return told.devices.map(({ id, online, last_seen, silent_since, latest }) => [id, { online, lastSeen: last_seen, silentSince: silent_since, latest }]);
    case "readings":
      return [[told.device, after1(shown.get(told.device), told.at, told.values)]];
    case "device": {
      const before = shown.get(told.id);
      const lastSeen = told.last_seen ?? before?.lastSeen ?? null;
      return [[told.id, { online: told.online, lastSeen, silentSince: told.silent_since, latest: before?.latest ?? {} }]];
    }
    default:
      return [];
  }
}

const fresh: Standing = { online: true, lastSeen: null, silentSince: null, latest: {} };

function after1(before: Standing | undefined, at: number, values: Readonly<Record<string, number | null>>): Standing {
  const latest = { ...before?.latest };
  for (const [metric, value] of Object.entries(values)) {
    const known = latest[metric];
    if (known === undefined || at >= known.at) latest[metric] = { value, unit: known?.unit ?? null, at };
  }
  const { online, lastSeen, silentSince } = before ?? fresh;
  return { online, lastSeen: Math.max(lastSeen ?? 0, at), silentSince, latest };
}
