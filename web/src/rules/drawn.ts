/** What rules draw into the chart of a metric: their thresholds. */
import { path } from "@/places/places";
import { leaves, levels } from "@/rules/document";
import { type Rule, everyRule } from "@/rules/rules";
import { may } from "@/session/session";

/** The thresholds of one rule that speak of a metric. */
export interface Drawn {
  readonly rule: Pick<Rule, "id" | "name">;
  readonly levels: readonly number[];
}

/** The rules that act at a place, whether they lie there or around it; none for who may not see rules. */
export async function actingAt(place: string): Promise<Rule[]> {
  if (!may("rules:read")) return [];
  const way = path(place).map(({ id }) => id);
  const around = new Set(way);
  return (await everyRule(way[0] ?? null)).filter((rule) => around.has(rule.place));
}

/** What some rules draw for a metric of a device: those that are on and speak of it, where they compare it itself. */
export function drawnFor(rules: readonly Pick<Rule, "id" | "name" | "enabled" | "when">[], device: string, metric: string): Drawn[] {
  return rules.flatMap(({ id, name, enabled, when }) => {
    const mine = leaves(when).filter((leaf) => leaf.metric === metric && (!leaf.device || leaf.device === device));
    const drawn = [...new Set(mine.flatMap(levels))];
    return enabled && drawn.length > 0 ? [{ rule: { id, name }, levels: drawn }] : [];
  });
}
