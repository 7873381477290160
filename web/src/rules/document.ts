/** The rule document: conditions and actions as the API writes them, how a form holds them, and what they begin with. */
import { say } from "@/base/words";
import type { Stage } from "@/commands/commands";
import { type Leeway, type Threshold, bare, limitsOf } from "@/rules/limits";

export type Is = "below" | "above" | "equal" | "inside" | "outside" | "rises_by" | "falls_by";
export type Severity = "info" | "warning" | "critical";

/** One condition, or several nested; what is null is not said. */
export interface Condition {
  device?: string | null;
  metric?: string | null;
  is?: Is | null;
  value?: number | null;
  clear?: number | null;
  tolerance?: number | null;
  low?: number | null;
  high?: number | null;
  clear_by?: number | null;
  within_s?: number | null;
  for_s?: number | null;
  event?: string | null;
  silent_for_s?: number | null;
  schedule?: string | null;
  catch_up?: "skip" | "once" | null;
  sun?: "sunrise" | "sunset" | null;
  offset_s?: number | null;
  between?: [string, string] | null;
  command?: string | null;
  stage?: Stage | null;
  attribute?: string | null;
  of?: "place" | null;
  equals?: unknown;
  all?: Condition[] | null;
  any?: Condition[] | null;
  not?: Condition | null;
  /** How far members may move its numbers; in the form only. */
  leeway?: Readonly<Partial<Record<Threshold, Leeway>>>;
}

const fields = {
  below: ["value", "clear"],
  above: ["value", "clear"],
  equal: ["value", "tolerance"],
  inside: ["low", "high", "clear_by"],
  outside: ["low", "high", "clear_by"],
  rises_by: ["value", "within_s"],
  falls_by: ["value", "within_s"],
} as const satisfies Record<Is, readonly (keyof Condition)[]>;

export interface Action {
  command?: { device?: string | null; method: string; params?: Record<string, unknown>; ttl_s?: number } | null;
  alert?: { severity: Severity; message: string; clear_after_s?: number | null } | null;
  task?: { title: string; due_in_s?: number | null; notes?: string; priority?: "low" | "normal" | "high" | "urgent"; assignee?: string | null } | null;
  notify?: { to: "assignee" | "members" | "managers" | "owners" | "user"; message: string; user?: string | null } | null;
  webhook?: { url: string; body?: unknown } | null;
  set?: { device?: string | null; attribute: string; value: unknown } | null;
}

/** What people write of a rule. */
export interface Written {
  name: string;
  place: string;
  enabled: boolean;
  when: Condition;
  only_if: Condition | null;
  then: Action[];
  rest_s: number;
  when_silent: "go_on" | "wait" | "reset" | null;
  late_s: number;
  most_per_hour: number;
  /** What members may move, by where it stands; in the form it stands beside the numbers. */
  limits?: Readonly<Record<string, Leeway>>;
  /** The devices that it leaves alone. */
  not_for?: readonly string[];
}

/** The kinds of condition that a form offers, each with what it begins with. */
export const conditionKinds = ["metric", "event", "silent_for_s", "schedule", "sun", "between", "command", "attribute", "group"] as const;
export type ConditionKind = (typeof conditionKinds)[number];
export const actionKinds = ["alert", "command", "task", "notify", "webhook", "set"] as const;
export type ActionKind = (typeof actionKinds)[number];

export const kindOf = (of: Condition): ConditionKind => conditionKinds.find((kind) => kind !== "group" && of[kind] !== null && of[kind] !== undefined) ?? "group";
export const actionOf = (of: Action): ActionKind => actionKinds.find((kind) => of[kind] !== null && of[kind] !== undefined) ?? "alert";

export function begunCondition(kind: ConditionKind, metric: string | null = null): Condition {
  switch (kind) {
    case "metric":
      return { device: null, metric: metric ?? "", is: "below", value: null, clear: null, for_s: 60 };
    case "event":
      return { device: null, event: "" };
    case "silent_for_s":
      return { device: null, silent_for_s: 600 };
    case "schedule":
      return { schedule: "0 7 * * *", catch_up: "skip" };
    case "sun":
      return { sun: "sunset", offset_s: 0 };
    case "between":
      return { between: ["06:00", "21:00"] };
    case "command":
      return { device: null, command: "", stage: "failed" };
    case "attribute":
      return { device: null, attribute: "", equals: "" };
    default:
      return { any: [begunCondition("metric", metric)] };
  }
}

export function begunAction(kind: ActionKind): Action {
  switch (kind) {
    case "command":
      return { command: { device: null, method: "", params: {}, ttl_s: 60 } };
    case "alert":
      return { alert: { severity: "warning", message: begunMessage() } };
    case "task":
      return { task: { title: "", due_in_s: 86_400, priority: "normal" } };
    case "notify":
      return { notify: { to: "members", message: begunMessage() } };
    case "webhook":
      return { webhook: { url: "https://", body: { value: "{value}" } } };
    default:
      return { set: { device: null, attribute: "", value: "" } };
  }
}

const begunMessage = (): string => say("rule.begun.message", { metric: "{metric}", device: "{device}", value: "{value}" });

/** How a rule may begin: tell of a value, act on one, or go by the clock. */
export const starts = ["tell", "act", "clock"] as const;
export type Start = (typeof starts)[number];
export const begun = (start: Start, place: string, metric: string | null): Written => ({
  name: "",
  place,
  enabled: true,
  when: { all: [begunCondition(start === "clock" ? "schedule" : "metric", metric)] },
  only_if: null,
  then: [begunAction(start === "tell" ? "alert" : "command")],
  rest_s: start === "act" ? 600 : 0,
  when_silent: null,
  late_s: 600,
  most_per_hour: 20,
});

/** Another comparison, with the fields that belong to it; numbers that it shares stay. */
export function compared(before: Condition, is: Is): Condition {
  const threshold = before.value ?? before.low ?? null;
  const shared: Condition = { value: threshold, low: threshold, within_s: 3600, ...pruned(before) };
  const own = Object.fromEntries(fields[is].map((field) => [field, shared[field] ?? null]));
  const { device, metric, for_s, leeway } = before;
  const eased = leeway === undefined ? {} : { leeway };
  return { device: device ?? null, metric: metric ?? "", is, for_s: "within_s" in own ? null : (for_s ?? null), ...own, ...eased };
}

export const inner = (of: Condition): Condition => of.not ?? of;
export const parts = (of: Condition): Condition[] => of.all ?? of.any ?? [];

/** A condition whose outermost part is a list, as the form begins with one. */
export const listed = (of: Condition): Condition => (of.all ?? of.any ? of : { all: [of] });

/** The document without what is not said. */
export function pruned<T>(value: T): T {
  if (Array.isArray(value)) return value.map((one: unknown) => pruned(one)) as T;
  if (value === null || typeof value !== "object") return value;
  const said = Object.entries(value).filter(([, one]) => one !== null && one !== undefined);
  return Object.fromEntries(said.map(([key, one]): [string, unknown] => [key, pruned(one)])) as T;
}

/** What is sent of a rule as the form holds it. */
export function told(rule: Written): Written {
  const { when, only_if, then, when_silent, ...rest } = rule;
  const needed = only_if !== null && parts(only_if).length > 0 ? only_if : null;
  const limits = { ...limitsOf(when, "when"), ...(needed === null ? {} : limitsOf(needed, "only_if")) };
  const asked = { when: pruned(bare(when)), only_if: needed === null ? null : pruned(bare(needed)), then: then.map((one) => pruned(one)) };
  return { ...rest, when_silent, ...asked, limits };
}

/** The single conditions of a nested one. */
export const leaves = (of: Condition): Condition[] => (of.not ? leaves(of.not) : of.all ?? of.any ? parts(of).flatMap(leaves) : [of]);

/** The values that a condition on a metric draws as lines over a chart. */
export const levels = ({ value, clear, low, high, is }: Condition): number[] =>
  is === "rises_by" || is === "falls_by" ? [] : [value, clear, low, high].filter((one) => typeof one === "number");
