import { expect, test } from "vitest";
import { flag, list, maybe, number, oneOf, orElse, record, shape, text, time } from "@/base/shape";

const lamp = shape({ id: text, on: flag, level: maybe(number), stage: oneOf("asked", "sent"), tags: orElse(list(text), []) });

test("an answer of the agreed shape passes, and what nobody asked for is left out", () => {
  expect(lamp({ id: "a", on: true, level: 3, stage: "sent", tags: ["x"], more: 1 })).toEqual({ id: "a", on: true, level: 3, stage: "sent", tags: ["x"] });
});

test("what may be missing becomes null, or what stands for it", () => {
  expect(lamp({ id: "a", on: true, stage: "sent" })).toEqual({ id: "a", on: true, level: null, stage: "sent", tags: [] });
});

test.each([
  [{ id: 7, on: true, stage: "sent" }, "$.id should be text, but is 7"],
  [{ id: "a", stage: "sent" }, "$.on should be true or false, but is missing"],
  [{ id: "a", on: true, stage: "lost" }, '$.stage should be asked or sent, but is "lost"'],
  [{ id: "a", on: true, stage: "sent", tags: ["x", 2] }, "$.tags[1] should be text, but is 2"],
  ["text", '$ should be an object, but is "text"'],
])("a wrong answer is refused by the name of its field: %j", (answer, message) => {
  expect(() => lamp(answer)).toThrow(message);
});

test("a moment is told in RFC 3339 or in milliseconds, and is milliseconds inside", () => {
  expect([time("2026-11-20T18:24:00Z"), time(1_795_199_040_000)]).toEqual([1_795_199_040_000, 1_795_199_040_000]);
  expect(() => time("yesterday", "$.at")).toThrow('$.at should be a moment, but is "yesterday"');
});

test("the fields of a record are named in what is wrong with them", () => {
  expect(() => record(number)({ humidity: "wet" })).toThrow('$.humidity should be a number, but is "wet"');
});
