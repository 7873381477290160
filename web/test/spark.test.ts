import { expect, test } from "vitest";
import { sparkPaths } from "@/base/spark";

test("a spark breaks where nothing was measured, and is dotted once it is silent", () => {
  expect(sparkPaths([0, 10, null, 0, 10, null, null], 60, 18)).toEqual({ line: "M0 14L10 4M30 14L40 4", silence: "M40 4H60" });
});

test("nothing but silence is a dotted line", () => {
  expect(sparkPaths([null, null], 60, 18)).toEqual({ line: "", silence: "M0 9H60" });
});

test("a steady value lies in the middle, a lonely one is a dot", () => {
  expect(sparkPaths([5, 5, 5], 60, 18).line).toBe("M0 9L30 9L60 9");
  expect(sparkPaths([null, 5, null], 60, 18).line).toBe("M30 9h0.01");
});
