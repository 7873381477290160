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

/** Read a cron line as one of the usual schedules, or as one that is only cron. */
export function scheduleOf(line: string): Schedule {
  const [minute = "", hour = "", ofMonth, month, day = ""] = line.trim().split(/\s+/);
  const number = (field: string): number => (/^\d+$/.test(field) ? Number(field) : NaN);
  const found = { hour: number(hour), minute: number(minute), day: number(day) };
  const cron: Schedule = { repeat: "cron", hour: found.hour || 0, minute: found.minute || 0, day: found.day || 0 };
  if (ofMonth !== "*" || month !== "*" || Number.isNaN(found.minute)) return cron;
  if (hour === "*" && day === "*") return { ...cron, repeat: "hourly" };
  if (Number.isNaN(found.hour)) return cron;
  if (day === "*") return { ...cron, repeat: "daily" };
  if (day === "1-5") return { ...cron, repeat: "weekdays" };
  return Number.isNaN(found.day) ? cron : { ...cron, day: found.day % 7, repeat: "weekly" };
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
