/** Alerts: what holds, what is over, and what people do about it. */
import { type Described, all, at, get, post } from "@/base/ask";
import { type Checked, list, maybe, number, oneOf, orElse, page, shape, text, time } from "@/base/shape";
import { when } from "@/base/tell";
import { say } from "@/base/words";
import { nameOf } from "@/session/members";

export const severities = ["info", "warning", "critical"] as const;
export type Severity = (typeof severities)[number];
export const alert = shape({
  id: text,
  place: maybe(text),
  device: maybe(text),
  rule: text,
  severity: oneOf(...severities),
  state: oneOf("active", "acknowledged", "cleared", "resolved"),
  message: text,
  value: maybe(number),
  opened_at: time,
  last_at: time,
  count: number,
  acknowledged_by: maybe(text),
  assignee: maybe(text),
  cleared_at: maybe(time),
  resolved_by: maybe(text),
  resolved_at: maybe(time),
  sources: orElse(list(text), []),
  version: number,
});
export const alerts = page(alert);
export const comment = shape({ id: text, at: time, by: maybe(text), kind: text, text });
export const comments = page(comment);
export type Alert = Checked<typeof alert>;
export type Comment = Checked<typeof comment>;

const open = ["active", "acknowledged"] as const;
const over = ["cleared", "resolved"] as const;

export const holding = (): Promise<Alert[]> => all("/alerts", alerts, { state: open });
/** What holds of a device, or came of what it said. */
export const holdingOf = (device: string): Promise<Alert[]> => all("/alerts", alerts, { state: open, device });
export const past = (cursor: string | null): Promise<Checked<typeof alerts>> => get("/alerts", alerts, { state: over, limit: 20, cursor });
/** Those that an alert about many devices shows. */
export const shownBy = (id: string): Promise<Alert[]> => all("/alerts", alerts, { within: id });
export const one = (id: string): Promise<Alert> => get(at`/alerts/${id}`, alert);
export const acknowledge = (id: string): Promise<Alert> => post(at`/alerts/${id}/acknowledge`, alert);
export const resolve = (id: string): Promise<Alert> => post(at`/alerts/${id}/resolve`, alert);
export const assign = (id: string, assignee: string | null): Promise<Alert> => post(at`/alerts/${id}/assign`, alert, { assignee } satisfies Described["Assignment"]);
export const course = (id: string, cursor: string | null): Promise<Checked<typeof comments>> => get(at`/alerts/${id}/comments`, comments, { limit: 20, cursor });
export const remark = (id: string, said: string): Promise<Comment> => post(at`/alerts/${id}/comments`, comment, { text: said } satisfies Described["NewComment"]);

/** The devices that it is about, or whose values led to it. */
export const devicesOf = ({ device, sources }: Pick<Alert, "device" | "sources">): string[] => [...(device === null ? [] : [device]), ...sources];
export const holds = ({ state }: Alert): boolean => state === "active" || state === "acknowledged";

/** What matters first: not yet noted, then the more severe, then the newer. */
export const pressing = (one: Alert, other: Alert): number =>
  Number(one.state !== "active") - Number(other.state !== "active") ||
  severities.indexOf(other.severity) - severities.indexOf(one.severity) ||
  other.opened_at - one.opened_at;

/** How an alert stands, by its mark and in words. */
export function standing(alert: Alert, now: number, zone?: string): { mark: "good" | "attention" | "urgent" | "unknown"; told: string } {
  if (alert.state === "cleared") return { mark: "good", told: say("alert.cleared", { when: when(alert.cleared_at ?? alert.last_at, now, zone) }) };
  if (alert.state === "resolved") return { mark: "good", told: say("alert.resolved", { name: nameOf(alert.resolved_by), when: when(alert.resolved_at ?? alert.last_at, now, zone) }) };
  return { mark: marks[alert.severity], told: say(`severity.${alert.severity}`) };
}
export const marks = { info: "unknown", warning: "attention", critical: "urgent" } as const;

/** Something that was said of an alert or done with it, as a sentence. */
export function told({ kind, by, text: words }: Comment): string {
  const name = nameOf(by);
  switch (kind) {
    case "acknowledged":
      return say("alert.did.acknowledged", { name });
    case "assigned":
      return words === "" ? say("alert.did.unassigned", { name }) : say("alert.did.assigned", { name, text: words });
    case "cleared":
      return say("alert.did.cleared");
    case "resolved":
      return say("alert.did.resolved", { name });
    default:
      return words;
  }
}
