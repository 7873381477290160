/** The thresholds that members may move, and how far: by their paths to the server, beside their conditions in the form. */
import type { Condition } from "@/rules/document";

/** How far a member may move a number; null is no bound. */
export interface Leeway {
  readonly low: number | null;
  readonly high: number | null;
}
export const thresholds = ["value", "low", "high", "clear", "clear_by", "tolerance", "within_s", "for_s", "silent_for_s", "offset_s"] as const;
export type Threshold = (typeof thresholds)[number];
export const lengths: readonly Threshold[] = ["within_s", "for_s", "silent_for_s", "offset_s"];

/** The numbers that stand in a condition. */
export const set = (of: Condition): Threshold[] => thresholds.filter((field) => typeof of[field] === "number");

/** A condition with each part remade, from the innermost outwards; `path` is where it stands. */
function remade(of: Condition, path: string, make: (leaf: Condition, path: string) => Condition): Condition {
  const each = (join: "all" | "any") => of[join]?.map((part, index) => remade(part, `${path}.${join}[${index}]`, make));
  if (of.not) return { ...of, not: remade(of.not, `${path}.not`, make) };
  if (of.all) return { ...of, all: each("all") ?? null };
  return of.any ? { ...of, any: each("any") ?? null } : make(of, path);
}

/** A condition with what members may move standing beside its numbers, so that it goes along when conditions move. */
export const withLeeway = (of: Condition, path: string, limits: Readonly<Record<string, Leeway>>): Condition =>
  remade(of, path, (leaf, at) => {
    const mine = thresholds.flatMap((field) => (limits[`${at}.${field}`] === undefined ? [] : [[field, limits[`${at}.${field}`]] as const]));
    return mine.length === 0 ? leaf : { ...leaf, leeway: Object.fromEntries(mine) };
  });

/** What the server takes of a condition: without what stands beside its numbers. */
export const bare = (of: Condition): Condition =>
  remade(of, "", (leaf) => {
    const rest = { ...leaf };
    delete rest.leeway;
    return rest;
  });

/** What members may move in a condition that stands at a path. */
export function limitsOf(of: Condition, path: string): Record<string, Leeway> {
  const found: Record<string, Leeway> = {};
  remade(of, path, (leaf, at) => {
    for (const field of set(leaf)) {
      const mine = leaf.leeway?.[field];
      if (mine !== undefined) found[`${at}.${field}`] = mine;
    }
    return leaf;
  });
  return found;
}

/** A number of a rule that a member may move. */
export interface Movable extends Leeway {
  readonly path: string;
  readonly field: Threshold;
  readonly leaf: Condition;
  readonly now: number;
}

/** The numbers of a rule that members may move, in the order in which they stand. */
export function movables(rule: { readonly when: Condition; readonly only_if: Condition | null; readonly limits: Readonly<Record<string, Leeway>> }): Movable[] {
  const found: Movable[] = [];
  for (const [of, start] of [[rule.when, "when"], [rule.only_if, "only_if"]] as const) {
    if (of === null) continue;
    remade(of, start, (leaf, at) => {
      for (const field of set(leaf)) {
        const [mine, now] = [rule.limits[`${at}.${field}`], leaf[field]];
        if (mine !== undefined && typeof now === "number") found.push({ ...mine, path: `${at}.${field}`, field, leaf, now });
      }
      return leaf;
    });
  }
  return found;
}
