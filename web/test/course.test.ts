import { expect, test } from "vitest";
import { caughtUp, gapAfter, grown, nothing, sparkOf, thinned, usualStep, withGaps } from "@/history/course";
import type { Course } from "@/history/history";
import { nearest, pointTold } from "@/history/reading";

const MINUTE = 60_000;
const raw = (...points: [minute: number, value: number][]): Course =>
  points.reduce((course, [minute, value]) => grown(course, minute * MINUTE, value), nothing);
const hours: Course = { ...nothing, width: 60 * MINUTE, at: [0, 60 * MINUTE], avg: [10, 20], min: [8, 18], max: [12, 22], count: [2, 3], unit: "Cel" };

test("a reading that comes later is shown at the end, one that is not newer is not shown twice", () => {
  const course = raw([0, 1], [1, 2]);
  expect(grown(course, MINUTE, 9)).toBe(course);
  expect(grown(course, 2 * MINUTE, 3).avg).toEqual([1, 2, 3]);
});

test("a reading joins the bucket that it falls into, as the server would count it", () => {
  const { at, avg, min, max, count } = grown(hours, 90 * MINUTE, 40);
  expect({ at, avg, min, max, count }).toEqual({ at: [0, 60 * MINUTE], avg: [10, 25], min: [8, 18], max: [12, 40], count: [2, 4] });
});

test("a reading after the last bucket begins one of its own", () => {
  expect(grown(hours, 125 * MINUTE, 7)).toMatchObject({ at: [0, 60 * MINUTE, 120 * MINUTE], avg: [10, 20, 7], count: [2, 3, 1] });
});

test("what was told while the history was fetched is added once", () => {
  expect(caughtUp(raw([0, 1]), { at: MINUTE, value: 2 }).avg).toEqual([1, 2]);
  expect(caughtUp(hours, { at: 70 * MINUTE, value: 99 })).toBe(hours);
  expect(caughtUp(hours, undefined)).toBe(hours);
});

test("a silence stays a gap", () => {
  const course = raw([0, 1], [1, 1], [2, 1], [3, 1], [60, 5]);
  expect(withGaps(course).avg).toEqual([1, 1, 1, 1, null, 5]);
});

test("a steady course has no gap, and an empty bucket is one", () => {
  expect(withGaps(raw([0, 1], [1, 2], [2, 3])).avg).toEqual([1, 2, 3]);
  expect(withGaps({ ...hours, at: [0, 120 * MINUTE] }).avg).toEqual([10, null, 20]);
});

test("the cursor reads the nearest point, and nothing inside a gap", () => {
  const course = raw([0, 1], [1, 1], [2, 1], [60, 5]);
  expect([nearest(course, 0.6 * MINUTE), nearest(course, 59 * MINUTE), nearest(course, 30 * MINUTE)]).toEqual([1, 3, null]);
  expect(gapAfter(course)).toBe(4 * MINUTE);
});

test("a bucket is read with what it lay between, a reading alone", () => {
  expect(pointTold(hours, 0)).toBe("10 °C, from 8 to 12");
  expect(pointTold(raw([0, 1.5]), 0)).toBe("1.5");
});

test("a spark is empty where nothing was measured", () => {
  expect(sparkOf(raw([0, 1], [1, 3], [7, 5]), 0, 8 * MINUTE, 4)).toEqual([2, null, null, 5]);
});

test("a long table is thinned evenly and keeps its last row", () => {
  expect(thinned([...Array(10).keys()], 4)).toEqual([0, 3, 6, 9]);
});

test("how often a device speaks is seen from what it said", () => {
  expect([usualStep(raw([0, 1], [1, 1], [2, 1], [3, 1], [60, 5])), usualStep({ ...hours, count: [60, 60] }), usualStep(raw([0, 1]))]).toEqual([60, 60, null]);
});
