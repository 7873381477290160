/** Tasks: what is to be done, where, by whom and by when. */
import { type Described, all, at, get, patch, post, remove } from "@/base/ask";
import { type Checked, maybe, number, oneOf, orElse, page, shape, text, time } from "@/base/shape";
import { moment } from "@/base/tell";

export const priorities = ["low", "normal", "high", "urgent"] as const;
export const task = shape({
  id: text,
  title: text,
  notes: orElse(text, ""),
  place: maybe(text),
  device: maybe(text),
  priority: oneOf(...priorities),
  assignee: maybe(text),
  due: maybe(time),
  state: oneOf("open", "done"),
  made_by: text,
  alert: maybe(text),
  created_at: time,
  done_at: maybe(time),
  done_by: maybe(text),
  version: number,
});
export const tasks = page(task);
export type Task = Checked<typeof task>;
/** What a person says of a task; `due` is a moment of RFC 3339. */
export interface Said {
  readonly title: string;
  readonly notes: string;
  readonly place: string | null;
  readonly priority: Task["priority"];
  readonly assignee: string | null;
  readonly due: string | null;
}
/** What a task is about, when it comes of something. */
export interface About {
  readonly title: string;
  readonly place: string | null;
  readonly device: string | null;
  readonly alert: string;
}

export const toDo = (): Promise<Task[]> => all("/tasks", tasks, { state: "open" });
export const ofAlert = (alert: string): Promise<Task[]> => all("/tasks", tasks, { alert });
export const didDo = (cursor: string | null): Promise<Checked<typeof tasks>> => get("/tasks", tasks, { state: "done", limit: 20, cursor });
export const add = (said: Said, about: About | null): Promise<Task> => post("/tasks", task, { ...said, ...(about === null ? {} : { device: about.device, alert: about.alert }) } satisfies Described["NewTask"]);
export const change = (before: Task, said: Partial<Said> | Pick<Task, "state">): Promise<Task> => patch(at`/tasks/${before.id}`, task, said satisfies Described["TaskChange"], before.version);
export const erase = async (id: string): Promise<void> => {
  await remove(at`/tasks/${id}`);
};

/** When a task comes up. */
export const whens = ["late", "today", "later", "anytime"] as const;
export type When = (typeof whens)[number];
export function whenOf({ due }: Pick<Task, "due">, now: number): When {
  if (due === null) return "anytime";
  if (due < now) return "late";
  return moment(due, "day") === moment(now, "day") && due - now < 86_400_000 ? "today" : "later";
}

/** The tasks by when they come up; in each the sooner, then the more pressing first. */
export function byWhen(found: readonly Task[], now: number): [When, Task[]][] {
  const sorted = found.toSorted(
    (one, other) => (one.due ?? Infinity) - (other.due ?? Infinity) || priorities.indexOf(other.priority) - priorities.indexOf(one.priority) || one.created_at - other.created_at,
  );
  return whens.map((name): [When, Task[]] => [name, sorted.filter((one) => whenOf(one, now) === name)]).filter(([, some]) => some.length > 0);
}

/** A moment as a field for date and time takes it, in the reader's own zone, and back. */
export const asField = (at: number | null): string => {
  if (at === null) return "";
  const local = new Date(at - new Date(at).getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 16);
};
export const fromField = (field: string): string | null => (field === "" ? null : new Date(field).toISOString());
