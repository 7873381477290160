/** Reading a chart at one moment, in words. */
import { moment, value } from "@/base/tell";
import { unitShown } from "@/base/units";
import { say } from "@/base/words";
import { gapAfter } from "@/history/course";
import type { Course } from "@/history/history";
import type { Line } from "@/history/plot";

/** The course's point nearest to a moment, unless the moment lies in a gap. */
export function nearest(course: Course, at: number): number | null {
  let best: number | null = null;
  let least = gapAfter(course);
  course.at.forEach((moment, index) => {
    const away = Math.abs(moment - at);
    if (away <= least) {
      best = index;
      least = away;
    }
  });
  return best;
}

const withUnit = (number: number | null | undefined, unit: string): string => `${value(number ?? null)} ${unitShown(unit)}`.trim();

/** One point in words: its value, and between what it lay when it stands for many. */
export function pointTold(course: Course, index: number): string {
  const shown = withUnit(course.avg[index], course.unit);
  const low = course.min[index];
  const high = course.max[index];
  if (course.width === null || low === high || low === null || low === undefined || high === null || high === undefined) return shown;
  return say("chart.band", { value: shown, low: value(low), high: value(high) });
}

/** Every line at a moment, in words. */
export function told(lines: readonly Line[], at: number, zone: string): string {
  const values = lines.flatMap(({ label, course }) => {
    const index = nearest(course, at);
    return index === null ? [] : [lines.length > 1 ? `${label} ${pointTold(course, index)}` : pointTold(course, index)];
  });
  return say("chart.point", { time: moment(at, "full", zone), value: values.join("; ") || say("value.none") });
}

/** A course in one sentence; null when it is empty. */
export function summary(course: Course): string | null {
  const known = (numbers: readonly (number | null)[]): number[] => numbers.filter((number) => number !== null);
  const lows = known(course.min);
  const highs = known(course.max);
  if (lows.length === 0 || highs.length === 0) return null;
  return say("chart.summary", {
    low: withUnit(lows.reduce((one, other) => Math.min(one, other)), course.unit),
    high: withUnit(highs.reduce((one, other) => Math.max(one, other)), course.unit),
    last: withUnit(course.avg.at(-1), course.unit),
  });
}
