/** A rule as a person would say it. */
import { span, value as numbered } from "@/base/tell";
import { factShown, metricShown, unitShown } from "@/base/units";
import { type Phrase, say } from "@/base/words";
import { wording } from "@/commands/commands";
import { type Action, type Condition, type Written, kindOf, parts } from "@/rules/document";
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

function metric(said: Condition, names: Names): string {
  const { name, unit } = names.metric(said.metric ?? "", said.device ?? null);
  const what = `${name || metricShown(said.metric ?? "…")}${of(said.device, names)}`;
  const number = (one: number | null | undefined): string => (one === null || one === undefined ? "…" : `${numbered(one)} ${unitShown(unit)}`.trim());
  const lasting = said.for_s ? ` ${say("says.for", { span: long(said.for_s) })}` : "";
  switch (said.is) {
    case "inside":
    case "outside":
      return say(`says.${said.is}`, { what, low: number(said.low), high: number(said.high) }) + lasting;
    case "rises_by":
    case "falls_by":
      return say(`says.${said.is}`, { what, value: number(said.value), span: long(said.within_s ?? 0) });
    default:
      return say(`says.${lasting === "" ? "is" : "stays"}.${said.is ?? "below"}` as Phrase & "says.is.below", { what, value: number(said.value) }) + lasting;
  }
}

/** A condition in words, without a capital and a full stop. */
export function condition(said: Condition, names: Names): string {
  if (said.not) return say("says.not", { what: condition(said.not, names) });
  const device = said.device ? (names.device(said.device) ?? say("says.gone")) : say("says.device");
  switch (kindOf(said)) {
    case "metric":
      return metric(said, names);
    case "event":
      return say("says.event", { kind: said.event || "…", device });
    case "silent_for_s":
      return say("says.silent", { device, span: long(said.silent_for_s ?? 0) });
    case "schedule":
      return scheduleTold(said.schedule ?? "");
    case "sun": {
      const offset = said.offset_s ?? 0;
      const sun = say(`says.${said.sun ?? "sunset"}`);
      return offset === 0 ? say("says.sun.at", { sun }) : say(offset < 0 ? "says.sun.before" : "says.sun.after", { sun, span: long(Math.abs(offset)) });
    }
    case "between":
      return say("says.between", { from: said.between?.[0] ?? "…", to: said.between?.[1] ?? "…" });
    case "command":
      return say("says.command", { method: factShown(said.command || "…", null).name, device, stage: say(`rule.stage.${said.stage ?? "failed"}` as Phrase & "rule.stage.failed") });
    case "attribute":
      return say("says.attribute", { name: metricShown(said.attribute || "…"), device, value: typeof said.equals === "string" ? said.equals || "…" : JSON.stringify(said.equals) });
    default: {
      const some = parts(said).map((one) => (parts(one).length > 1 ? `(${condition(one, names)})` : condition(one, names)));
      return joined(some, said.any ? "or" : "and");
    }
  }
}

/** An action in words. */
export function action({ command, alert, task, notify, webhook, set }: Action, names: Names): string {
  const whom = (device: string | null | undefined): string => (device ? (names.device(device) ?? say("says.gone")) : say("says.it"));
  if (command) return say("says.tell", { device: whom(command.device), what: wording(command.method || "…", command.params ?? {}) });
  if (alert) return say("says.alert", { severity: say(`says.severity.${alert.severity}`), message: alert.message || "…" });
  if (task) return say("says.task", { title: task.title || "…" }) + (task.due_in_s ? ` ${say("says.task.due", { span: long(task.due_in_s) })}` : "");
  if (notify) return say("says.notify", { whom: notify.to === "user" ? names.person(notify.user ?? "") : say(`rule.to.${notify.to}`), message: notify.message || "…" });
  if (webhook) return say("says.webhook", { url: webhook.url });
  return set ? say("says.set", { name: metricShown(set.attribute || "…"), device: whom(set.device), value: typeof set.value === "string" ? set.value || "…" : JSON.stringify(set.value) }) : "";
}

/** The whole rule in one sentence. */
export function sentence(rule: Pick<Written, "when" | "only_if" | "then">, names: Names): string {
  const clocked = kindOf(rule.when) !== "group" ? [rule.when] : parts(rule.when);
  const timed = clocked.length > 0 && clocked.every((one) => kindOf(one) === "schedule" || kindOf(one) === "sun");
  const only = rule.only_if !== null && parts(rule.only_if).length > 0 ? say("says.only", { what: condition(rule.only_if, names) }) : "";
  const when = condition(rule.when, names);
  const then = joined(rule.then.map((one) => action(one, names)), "and");
  const whole = say(timed ? "says.whole.timed" : "says.whole", { when, only, then });
  return whole.charAt(0).toUpperCase() + whole.slice(1);
}
