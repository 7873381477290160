/** Long work: watched until it ends, and called off. */
import { type Ref, type ShallowRef, onScopeDispose, ref, shallowRef } from "vue";
import { type Trouble, at, get, post } from "@/base/ask";
import { asTrouble } from "@/base/loaded";
import { type Checked, anything, maybe, number, oneOf, shape, text } from "@/base/shape";

export const states = ["running", "done", "failed", "cancelled"] as const;
export const job = shape({ id: text, kind: text, state: oneOf(...states), done: number, total: maybe(number), result: anything, error: maybe(text) });
export type Job = Checked<typeof job>;

const EVERY = 500;

export interface Watched {
  readonly job: Readonly<ShallowRef<Job | null>>;
  readonly trouble: Readonly<Ref<Trouble | null>>;
  /** Follow a job that has begun, until it ends. */
  readonly follow: (begun: Job) => void;
  /** Call it off; what is shown is how it ended. */
  readonly cancel: () => Promise<void>;
  /** Show none. */
  readonly clear: () => void;
}

/** A job on a page; when the page goes the job goes on, unwatched. */
export function useJob(): Watched {
  const now = shallowRef<Job | null>(null);
  const trouble = shallowRef<Trouble | null>(null);
  const timer = ref<ReturnType<typeof setTimeout>>();

  const look = async (id: string): Promise<void> => {
    try {
      const came = await get(at`/jobs/${id}`, job);
      trouble.value = null;
      if (now.value?.id === id) follow(came);
    } catch (error) {
      trouble.value = asTrouble(error);
      if (trouble.value.status === 0) timer.value = setTimeout(() => void look(id), 4 * EVERY);
    }
  };
  const follow = (begun: Job): void => {
    clearTimeout(timer.value);
    now.value = begun;
    if (begun.state === "running") timer.value = setTimeout(() => void look(begun.id), EVERY);
  };
  const cancel = async (): Promise<void> => {
    if (now.value?.state !== "running") return;
    try {
      follow(await post(at`/jobs/${now.value.id}/cancel`, job));
    } catch (error) {
      trouble.value = asTrouble(error);
    }
  };
  const clear = (): void => {
    clearTimeout(timer.value);
    now.value = null;
    trouble.value = null;
  };
  onScopeDispose(clear);
  return { job: now, trouble, follow, cancel, clear };
}
