/** A rule as a person would say it. */
import { span, value as numbered } from "@/base/tell";
import { factShown, metricShown, unitShown } from "@/base/units";
import { say } from "@/base/words";
import { wording } from "@/commands/commands";
import { type Action, type Condition, type ConditionKind, type Written, kindOf, parts } from "@/rules/document";
import type { Movable } from "@/rules/limits";
import { scheduleTold } from "@/rules/schedule";

/** What a sentence needs to know of devices. */
export interface Names {
  /** A device's name, null for one that is not known. */
  readonly device: (id: string) => string | null;
  /** A metric's name and unit, of a device or of any. */
  readonly metric: (metric: string, device: string | null) => { readonly name: string; readonly unit: string };
  readonly person: (id: string) => string;
}

const long = (seconds: number): string => span(seconds * 1000);

/** Several things in a row: “a, b and c”. */
export function joined(words: readonly string[], join: "and" | "or"): string {
  if (words.length < 2) return words[0] ?? "";
  return say(`join.${join}`, { some: words.slice(0, -1).join(", "), last: words.at(-1) ?? "" });
}

const of = (device: string | null | undefined, names: Names): string =>
  device === null || device === undefined || device === "" ? "" : say("says.of", { device: names.device(device) ?? say("says.gone") });

/** The device that a time is told of, where it names one. */
const about = (device: string | null | undefined, names: Names): string => (device ? say("says.about", { device: names.device(device) ?? say("says.gone") }) : "");

const open = (word: string | null | undefined): string => (word === null || word === undefined || word === "" ? "…" : word);
const written = (value: unknown): string => (typeof value === "string" ? open(value) : JSON.stringify(value));

function metric(said: Condition, names: Names): string {
  const { name, unit } = names.metric(said.metric ?? "", said.device ?? null);
  const what = `${open(name)}${of(said.device, names)}`;
  const number = (one: number | null = null): string => (one === null ? "…" : `${numbered(one)} ${unitShown(unit)}`.trim());
  const is = said.is ?? "below";
  if (is === "rises_by" || is === "falls_by") return say(`says.${is}`, { what, value: number(said.value), span: long(said.within_s ?? 0) });
  const lasting = said.for_s ? ` ${say("says.for", { span: long(said.for_s) })}` : "";
  if (is === "inside" || is === "outside") return say(`says.${is}`, { what, low: number(said.low), high: number(said.high) }) + lasting;
  return say(lasting === "" ? `says.is.${is}` : `says.stays.${is}`, { what, value: number(said.value) }) + lasting;
}

function sun({ sun: which, offset_s }: Condition): string {
  const offset = offset_s ?? 0;
  const named = say(which === "sunrise" ? "says.sunrise" : "says.sunset");
  return offset === 0 ? say("says.sun.at", { sun: named }) : say(offset < 0 ? "says.sun.before" : "says.sun.after", { sun: named, span: long(Math.abs(offset)) });
}

function several(said: Condition, names: Names): string {
  const [first] = parts(said);
  const alike = parts(said).every(({ attribute, of, device }) => attribute === first?.attribute && of === first?.of && device === first?.device);
  if (said.any && first?.attribute && alike) return attributed(first, names, parts(said).map(({ equals }) => written(equals)));
  const some = parts(said).map((one) => (parts(one).length > 1 ? `(${condition(one, names)})` : condition(one, names)));
  return joined(some, said.any ? "or" : "and");
}

const who = (device: string | null | undefined, names: Names): string => (device ? (names.device(device) ?? say("says.gone")) : say("says.device"));
const attributed = ({ attribute: name, of, device }: Condition, names: Names, values: readonly string[]): string =>
  say(of === "place" ? "says.ofPlace" : "says.attribute", { name: metricShown(open(name)), device: who(device, names), value: joined(values, "or") });

/** Each kind of condition in words; `device` is what the one it speaks of is called. */
const tellers: Readonly<Record<ConditionKind, (said: Condition, names: Names, device: string) => string>> = {
  metric,
  event: (said, _names, device) => say("says.event", { kind: open(said.event), device }),
  silent_for_s: (said, _names, device) => say("says.silent", { device, span: long(said.silent_for_s ?? 0) }),
  schedule: (said, names) => scheduleTold(said.schedule ?? "") + about(said.device, names),
  sun: (said, names) => sun(said) + about(said.device, names),
  between: (said, names) => say("says.between", { from: open(said.between?.[0]), to: open(said.between?.[1]) }) + about(said.device, names),
  command: (said, _names, device) => say("says.command", { method: factShown(open(said.command), null).name, device, stage: say(`rule.stage.${said.stage ?? "failed"}`) }),
  attribute: (said, names) => attributed(said, names, [written(said.equals)]),
  group: several,
};

/** A condition in words, without a capital and a full stop. */
export function condition(said: Condition, names: Names): string {
  if (said.not) return say("says.not", { what: condition(said.not, names) });
  return tellers[kindOf(said)](said, names, who(said.device, names));
}

/** An action in words. */
export function action({ command, alert, task, notify, webhook, set }: Action, names: Names): string {
  const whom = (device: string | null = null): string => (device === null ? say("says.it") : (names.device(device) ?? say("says.gone")));
  if (command) return say("says.tell", { device: whom(command.device), what: wording(open(command.method), command.params ?? {}) });
  if (alert) return say("says.alert", { severity: say(`says.severity.${alert.severity}`), message: open(alert.message) });
  if (task) return [say("says.task", { title: open(task.title) }), ...(task.due_in_s ? [say("says.task.due", { span: long(task.due_in_s) })] : [])].join(" ");
  if (notify) return say("says.notify", { whom: notify.to === "user" ? names.person(notify.user ?? "") : say(`rule.to.${notify.to}`), message: open(notify.message) });
  if (webhook) return say("says.webhook", { url: webhook.url });
  return set ? say("says.set", { name: metricShown(open(set.attribute)), device: whom(set.device), value: written(set.value) }) : "";
}

/** Why a rule fired: what held, and the value that was read. */
export function because({ says, metric, device, value }: { readonly says: string; readonly metric: string | null; readonly device: string | null; readonly value: number | null }, names: Names): string {
  if (metric === null || value === null) return says;
  return say("runs.reason", { says, value: `${numbered(value)} ${unitShown(names.metric(metric, device).unit)}`.trim() });
}

/** The whole rule in one sentence. */
export function sentence(rule: Pick<Written, "when" | "only_if" | "then" | "not_for">, names: Names): string {
  const clocked = kindOf(rule.when) !== "group" ? [rule.when] : parts(rule.when);
  const timed = clocked.length > 0 && clocked.every((one) => kindOf(one) === "schedule" || kindOf(one) === "sun");
  const only = rule.only_if !== null && parts(rule.only_if).length > 0 ? say("says.only", { what: condition(rule.only_if, names) }) : "";
  const when = condition(rule.when, names);
  const then = joined(rule.then.map((one) => action(one, names)), "and");
  const spared = (rule.not_for ?? []).map((device) => names.device(device)).filter((name) => name !== null);
  const but = spared.length === 0 ? "" : say("says.but", { devices: joined(spared, "and") });
  const whole = say(timed ? "says.whole.timed" : "says.whole", { when, only, then, but });
  return whole.charAt(0).toUpperCase() + whole.slice(1);
}

/** What a number of a rule that members may move says, such as “Soil moisture is below”. */
export function movableTold({ leaf, field }: Movable, names: Names): string {
  if (field === "silent_for_s") return say("limit.silent");
  if (field === "offset_s") return say("rule.offset");
  const what = `${names.metric(leaf.metric ?? "", leaf.device ?? null).name}${of(leaf.device, names)}`;
  return field === "value" ? `${what} ${say(`rule.is.${leaf.is ?? "below"}`)}` : `${what}: ${say(`limit.${field}`)}`;
}
