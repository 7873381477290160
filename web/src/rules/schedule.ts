/** Times of a schedule: the usual ones as choices, all others as cron lines. */
import { moment } from "@/base/tell";
import { say } from "@/base/words";

export const repeats = ["daily", "weekdays", "weekly", "hourly", "cron"] as const;
export type Repeat = (typeof repeats)[number];
export interface Schedule {
  readonly repeat: Repeat;
  readonly hour: number;
  readonly minute: number;
  /** 0 is Sunday. */
  readonly day: number;
}

const usual: readonly (readonly [Repeat, RegExp])[] = [
  ["hourly", /^(?<minute>\d+) \* \* \* \*$/],
  ["daily", /^(?<minute>\d+) (?<hour>\d+) \* \* \*$/],
  ["weekdays", /^(?<minute>\d+) (?<hour>\d+) \* \* 1-5$/],
  ["weekly", /^(?<minute>\d+) (?<hour>\d+) \* \* (?<day>[0-7])$/],
];

/** Read a cron line as one of the usual schedules, or as one that is only cron. */
export function scheduleOf(line: string): Schedule {
  const plain = line.trim().split(/\s+/).join(" ");
  for (const [repeat, pattern] of usual) {
    const groups = pattern.exec(plain)?.groups;
    if (groups !== undefined) return { repeat, hour: Number(groups["hour"] ?? 0), minute: Number(groups["minute"]), day: Number(groups["day"] ?? 0) % 7 };
  }
  return { repeat: "cron", hour: 7, minute: 0, day: 1 };
}

/** A usual schedule as a cron line. */
export function lineOf({ repeat, hour, minute, day }: Schedule): string {
  if (repeat === "hourly") return `${minute} * * * *`;
  const days = { daily: "*", weekdays: "1-5", weekly: String(day), cron: "*" } as const;
  return `${minute} ${hour} * * ${days[repeat]}`;
}

/** The name of a day of the week. */
export const dayTold = (day: number): string => new Intl.DateTimeFormat(undefined, { weekday: "long", timeZone: "UTC" }).format(Date.UTC(2023, 0, 1 + day));
export const clock = (hour: number, minute: number): string => `${String(hour).padStart(2, "0")}:${String(minute).padStart(2, "0")}`;

/** A schedule in words. */
export function scheduleTold(line: string): string {
  const { repeat, hour, minute, day } = scheduleOf(line);
  const time = moment(Date.UTC(2023, 0, 1, hour, minute), "clock", "UTC");
  if (repeat === "hourly") return say("says.hourly", { minute: String(minute).padStart(2, "0") });
  if (repeat === "weekly") return say("says.weekly", { day: dayTold(day), time });
  return repeat === "cron" ? say("says.cron", { line }) : say(`says.${repeat}`, { time });
}
