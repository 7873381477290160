/** What can be done to a course without asking anybody: gaps, growing by what is told live, thinning. */
import type { Course } from "@/history/history";

/** Columns as a chart takes them. */
export interface Columns {
  readonly at: number[];
  readonly avg: (number | null)[];
  readonly min: (number | null)[];
  readonly max: (number | null)[];
}

/** How long a silence must be to be a gap: well over the usual distance of two points. */
export function gapAfter({ at, width }: Pick<Course, "at" | "width">): number {
  if (width !== null) return width * 1.5;
  const steps = at.slice(1).map((moment, index) => moment - (at[index] ?? moment)).sort((one, other) => one - other);
  const usual = steps[Math.floor(steps.length / 2)] ?? 0;
  return Math.max(usual * 4, 10_000);
}

/** The course with an empty point in every gap, so that a line breaks there. */
export function withGaps(course: Course): Columns {
  const limit = gapAfter(course);
  const broken: Columns = { at: [], avg: [], min: [], max: [] };
  course.at.forEach((moment, index) => {
    const before = course.at[index - 1];
    if (before !== undefined && moment - before > limit) push(broken, before + (moment - before) / 2, null, null, null);
    push(broken, moment, course.avg[index] ?? null, course.min[index] ?? null, course.max[index] ?? null);
  });
  return broken;
}

const push = (into: Columns, at: number, avg: number | null, min: number | null, max: number | null): void => {
  into.at.push(at);
  into.avg.push(avg);
  into.min.push(min);
  into.max.push(max);
};

/** The course after one more reading was told; one that is not newer than the last leaves it as it was. */
export function grown(course: Course, at: number, value: number): Course {
  const last = course.at.length - 1;
  const latest = course.at[last];
  if (course.width === null) return latest !== undefined && at <= latest ? course : appended(course, at, value);
  const bucket = Math.floor(at / course.width) * course.width;
  if (latest === undefined || bucket > latest) return appended(course, bucket, value);
  return bucket < latest ? course : merged(course, last, value);
}

/** The course with the latest reading, which may have been told after the course was read; never counts it twice. */
export function caughtUp(course: Course, latest: { readonly at: number; readonly value: number | null } | undefined): Course {
  if (latest === undefined || latest.value === null) return course;
  const begun = course.width !== null && Math.floor(latest.at / course.width) * course.width <= (course.at.at(-1) ?? -Infinity);
  return begun ? course : grown(course, latest.at, latest.value);
}

/** A course of nothing yet. */
export const nothing: Course = { unit: "", width: null, at: [], avg: [], min: [], max: [], count: [] };

const appended = (course: Course, at: number, value: number): Course => ({
  ...course,
  at: [...course.at, at],
  avg: [...course.avg, value],
  min: [...course.min, value],
  max: [...course.max, value],
  count: [...course.count, 1],
});

function merged(course: Course, index: number, value: number): Course {
  const count = course.count[index] ?? 1;
  const avg = course.avg[index] ?? value;
  return {
    ...course,
    avg: course.avg.with(index, (avg * count + value) / (count + 1)),
    min: course.min.with(index, Math.min(course.min[index] ?? value, value)),
    max: course.max.with(index, Math.max(course.max[index] ?? value, value)),
    count: course.count.with(index, count + 1),
  };
}

/** The course's last value, if it has any. */
export const lastOf = (course: Pick<Course, "at" | "avg">): { at: number; value: number } | null => {
  const at = course.at.at(-1);
  const value = course.avg.at(-1);
  return at === undefined || value === undefined || value === null ? null : { at, value };
};

/** A course as a small line: evenly spread over the span, null where nothing was measured. */
export function sparkOf({ at, avg }: Pick<Course, "at" | "avg">, from: number, to: number, points = 24): (number | null)[] {
  const step = (to - from) / points;
  const sums = Array.from({ length: points }, () => ({ sum: 0, n: 0 }));
  at.forEach((moment, index) => {
    const into = sums[Math.min(points - 1, Math.floor((moment - from) / step))];
    const value = avg[index];
    if (into === undefined || value === undefined || value === null) return;
    into.sum += value;
    into.n += 1;
  });
  return sums.map(({ sum, n }) => (n === 0 ? null : sum / n));
}

/** At most `most` of the course's points, evenly chosen, the last among them. */
export function thinned<T>(points: readonly T[], most: number): T[] {
  const step = Math.ceil(points.length / most);
  return points.filter((_, index) => (points.length - 1 - index) % step === 0);
}

/** The usual distance of two readings in seconds; null when there are too few to tell. */
export function usualStep({ at, width, count }: Pick<Course, "at" | "width" | "count">): number | null {
  if (width !== null) {
    const readings = count.reduce<number>((sum, one) => sum + (one ?? 0), 0);
    return readings === 0 ? null : (at.length * width) / readings / 1000;
  }
  const steps = at.slice(1).map((moment, index) => moment - (at[index] ?? moment)).sort((one, other) => one - other);
  const usual = steps[Math.floor(steps.length / 2)];
  return usual === undefined || steps.length < 3 ? null : usual / 1000;
}
