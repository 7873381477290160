import { expect, test } from "vitest";
import { limited, deviceType, readLimits, typeLimits, writtenLimits } from "@/types/types";

test("limits of a type are read as they were written, and what is left empty is none", () => {
  const limits = typeLimits({ messages: "10:1", series: 5 });
  const written = writtenLimits(limits);
  expect(written).toMatchObject({ messages: "10:1", series: "5", inbox_days: "" });
  expect(readLimits(written)).toEqual(limits);
  expect(readLimits({ ...written, series: " ", inbox_days: "few" })).toMatchObject({ series: null, inbox_days: -1 });
});

test("a type without limits says so", () => {
  const plain = { key: "a", name: "A", version: 1 };
  expect(limited(deviceType(plain))).toBe(false);
  expect(limited(deviceType({ ...plain, limits: { inbox_bytes: 2048 } }))).toBe(true);
});
