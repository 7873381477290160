/** Numbers, ages and moments as people read them, in the reader's locale and the place's zone. */
import { locale, say } from "@/base/words";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const formats = new Map<string, Intl.NumberFormat>();
const digits = (places: number): Intl.NumberFormat => {
  const key = String(places);
  const made = formats.get(key) ?? new Intl.NumberFormat(locale, { maximumFractionDigits: places });
  formats.set(key, made);
  return made;
};
const tiny = new Intl.NumberFormat(locale, { maximumSignificantDigits: 3 });

/** A value with as many digits as a glance can use; a dash where it is not known. */
export function value(number: number | null): string {
  if (number === null || !Number.isFinite(number)) return say("value.unknown");
  const size = Math.abs(number);
  if (size !== 0 && size < 0.01) return tiny.format(number).replace("-", "−");
  return digits(size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 1 : 2).format(number).replace("-", "−");
}

/** A number on an axis: with the digits that its step needs. */
export const stepped = (number: number, step: number): string =>
  digits(Math.min(6, Math.max(0, -Math.floor(Math.log10(step) + 1e-9)))).format(number).replace("-", "−");

const collator = new Intl.Collator(locale, { numeric: true });
/** Orders names as people do: Room 2 before Room 10. */
export const byName = (one: string, other: string): number => collator.compare(one, other);

export const count = (number: number): string => digits(0).format(number);

/** How much a file takes, in its greatest unit. */
export function size(bytes: number): string {
  const power = bytes < 1000 ? 0 : Math.min(4, Math.floor(Math.log10(bytes) / 3));
  return `${value(bytes / 1000 ** power)} ${["B", "kB", "MB", "GB", "TB"][power] ?? ""}`;
}

/** How long ago, in its greatest unit: “4 s”, “3 h”. */
export function span(ms: number): string {
  const age = Math.max(0, ms);
  if (age < MINUTE) return say("span.s", { amount: Math.floor(age / SECOND) });
  if (age < HOUR) return say("span.min", { amount: Math.floor(age / MINUTE) });
  if (age < 2 * DAY) return say("span.h", { amount: Math.floor(age / HOUR) });
  return say("span.d", { amount: Math.floor(age / DAY) });
}

/** “just now” or “4 s ago”. */
export const ago = (at: number, now: number): string =>
  now - at < 2 * SECOND ? say("ago.now") : say("ago", { span: span(now - at) });

/** Whether a value is older than its device's usual interval lets one expect. */
export const isOld = (at: number, now: number, everySeconds: number | null = null): boolean =>
  now - at > (everySeconds === null ? 10 * MINUTE : Math.max(3 * everySeconds * SECOND, MINUTE));

const made = new Map<string, Intl.DateTimeFormat>();
function format(style: keyof typeof styles, zone: string | undefined): Intl.DateTimeFormat {
  const key = `${style} ${zone ?? ""}`;
  const found = made.get(key) ?? new Intl.DateTimeFormat(locale, { ...styles[style], ...(zone === undefined ? {} : { timeZone: zone }) });
  made.set(key, found);
  return found;
}
const styles = {
  clock: { hour: "2-digit", minute: "2-digit" },
  second: { hour: "2-digit", minute: "2-digit", second: "2-digit" },
  day: { day: "numeric", month: "short" },
  month: { month: "short", year: "numeric" },
  date: { weekday: "short", day: "numeric", month: "short" },
  weekday: { weekday: "short", day: "numeric", month: "long", hour: "2-digit", minute: "2-digit" },
  full: { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit" },
} as const satisfies Record<string, Intl.DateTimeFormatOptions>;

/** A moment in a zone, in one of the styles above. */
export const moment = (at: number, style: keyof typeof styles, zone?: string): string => format(style, zone).format(at);

/** A moment as short as it can be and still be clear: today by the clock, else with its day. */
export function when(at: number, now: number, zone?: string): string {
  const day = moment(at, "day", zone);
  const clock = moment(at, "clock", zone).replace(/\s/g, "\u00a0"); // a line may end after the day, not before AM
  if (day === moment(now, "day", zone) && Math.abs(now - at) < DAY) return clock;
  return Math.abs(now - at) < 300 * DAY ? `${day}, ${clock}` : moment(at, "month", zone);
}
