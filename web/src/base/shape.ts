/** Checks what the server answered, once and by name: a shape is written once, and the type follows from it. */

export type Check<T> = (value: unknown, at?: string) => T;
export type Checked<C> = C extends Check<infer T> ? T : never;

/** An answer that is not of the shape that was agreed; the message names the field. */
export class Unexpected extends Error {}

const fail = (at: string, wanted: string, value: unknown): never => {
  const found = value === undefined ? "is missing" : `is ${JSON.stringify(value).slice(0, 60)}`;
  throw new Unexpected(`${at} should be ${wanted}, but ${found}`);
};

export const text: Check<string> = (value, at = "$") => (typeof value === "string" ? value : fail(at, "text", value));
export const number: Check<number> = (value, at = "$") => (typeof value === "number" ? value : fail(at, "a number", value));
export const flag: Check<boolean> = (value, at = "$") => (typeof value === "boolean" ? value : fail(at, "true or false", value));
export const anything: Check<unknown> = (value) => value;

/** A moment, RFC 3339 or milliseconds since 1970; becomes milliseconds. */
export const time: Check<number> = (value, at = "$") => {
  const moment = typeof value === "string" ? Date.parse(value) : value;
  return typeof moment === "number" && Number.isFinite(moment) ? moment : fail(at, "a moment", value);
};

export const oneOf = <const T extends string>(...words: T[]): Check<T> => (value, at = "$") =>
  words.find((word) => word === value) ?? fail(at, words.join(" or "), value);

/** The value, or null where it is null or left out. */
export const maybe = <T>(check: Check<T>): Check<T | null> => (value, at = "$") =>
  value === null || value === undefined ? null : check(value, at);

/** The value, or `instead` where it is null or left out. */
export const orElse = <T>(check: Check<T>, instead: T): Check<T> => (value, at = "$") =>
  value === null || value === undefined ? instead : check(value, at);

export const list = <T>(check: Check<T>): Check<T[]> => (value, at = "$") =>
  Array.isArray(value) ? value.map((item, index) => check(item, `${at}[${index}]`)) : fail(at, "a list", value);

export const record = <T>(check: Check<T>): Check<Record<string, T>> => (value, at = "$") =>
  isObject(value)
    ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, check(item, `${at}.${key}`)]))
    : fail(at, "an object", value);

type Fields = Record<string, Check<unknown>>;
export type Shape<F extends Fields> = { [K in keyof F]: Checked<F[K]> };

/** An object with at least these fields; what else it holds is left out. */
export const shape = <F extends Fields>(fields: F): Check<Shape<F>> => (value, at = "$") =>
  isObject(value)
    ? (Object.fromEntries(Object.entries(fields).map(([key, check]) => [key, check(value[key], `${at}.${key}`)])) as Shape<F>)
    : fail(at, "an object", value);

/** One page of a list. */
export const page = <T>(check: Check<T>): Check<{ items: T[]; next: string | null }> =>
  shape({ items: list(check), next: maybe(text) });

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
