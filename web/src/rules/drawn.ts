/** What rules draw into the chart of a metric: their thresholds. */
import { path } from "@/places/places";
import { type Condition, leaves, levels, parts } from "@/rules/document";
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

/** What a place says of itself by a name, such as the stage of what grows there. */
type Says = (name: string) => unknown;

/** Whether a condition could come to what is wanted of it, by what its place says. */
function could(said: Condition, says: Says, wanted = true): boolean {
  if (said.not) return could(said.not, says, !wanted);
  const fits = (one: Condition): boolean => could(one, says, wanted);
  if (said.all ?? said.any) return Boolean(said.all) === wanted ? parts(said).every(fits) : parts(said).some(fits);
  return said.of !== "place" || (says(said.attribute ?? "") === said.equals) === wanted;
}

/** Whether a rule may hold where it is, by what its place says. */
export const mayHold = ({ when, only_if }: Pick<Rule, "when" | "only_if">, says: Says): boolean => could(when, says) && (only_if === null || could(only_if, says));

/** What some rules draw for a metric of a device: those that are on, may hold where it is, and compare it themselves. */
export function drawnFor(rules: readonly Pick<Rule, "id" | "name" | "enabled" | "when" | "only_if">[], device: string, metric: string, says: Says = () => undefined): Drawn[] {
  return rules.filter((rule) => rule.enabled && mayHold(rule, says)).flatMap(({ id, name, when }) => {
    const mine = leaves(when).filter((leaf) => leaf.metric === metric && (!leaf.device || leaf.device === device));
    const drawn = [...new Set(mine.flatMap(levels))];
    return drawn.length > 0 ? [{ rule: { id, name }, levels: drawn }] : [];
  });
}
