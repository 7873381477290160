/** Something a page loads: what came, what went wrong, whether it is still on its way, and how to ask again. */
import { type Ref, type ShallowRef, getCurrentScope, onScopeDispose, ref, shallowRef } from "vue";
import { Trouble } from "@/base/ask";
import { say } from "@/base/words";

export interface Loaded<T> {
  readonly value: Readonly<ShallowRef<T | null>>;
  readonly trouble: Readonly<Ref<Trouble | null>>;
  readonly loading: Readonly<Ref<boolean>>;
  /** Ask again; what is shown stays until the answer is there. Never throws. */
  readonly again: () => Promise<void>;
  /** Show what is known by other means. */
  readonly put: (value: T) => void;
}

const RETRY = 3000;

/** Load now, again on demand, and by itself while the server is not reached; an answer that was overtaken is dropped. */
export function useLoaded<T>(load: () => Promise<T>): Loaded<T> {
  const value = shallowRef<T | null>(null);
  const trouble = shallowRef<Trouble | null>(null);
  const loading = ref(true);
  let latest = 0;
  let retry: ReturnType<typeof setTimeout> | undefined;
  if (getCurrentScope() !== undefined) {
    onScopeDispose(() => {
      latest += 1;
      clearTimeout(retry);
    });
  }

  const again = async (): Promise<void> => {
    const mine = (latest += 1);
    clearTimeout(retry);
    loading.value = true;
    try {
      const came = await load();
      if (mine !== latest) return;
      value.value = came;
      trouble.value = null;
    } catch (error) {
      if (mine !== latest) return;
      trouble.value = asTrouble(error);
      if (trouble.value.status === 0) retry = setTimeout(() => void again(), RETRY);
    } finally {
      if (mine === latest) loading.value = false;
    }
  };
  const put = (came: T): void => {
    latest += 1;
    clearTimeout(retry);
    value.value = came;
    loading.value = false;
  };
  void again();
  return { value, trouble, loading, again, put };
}

export interface Sending<A extends readonly unknown[]> {
  readonly busy: Readonly<Ref<boolean>>;
  readonly trouble: Readonly<Ref<Trouble | null>>;
  /** Do it, unless it is being done already; true when it went well. */
  readonly send: (...given: A) => Promise<boolean>;
}

/** Something a person asks for once, however often they click. */
export function useSending<A extends readonly unknown[]>(act: (...given: A) => Promise<unknown>): Sending<A> {
  const busy = ref(false);
  const trouble = shallowRef<Trouble | null>(null);
  const send = async (...given: A): Promise<boolean> => {
    if (busy.value) return false;
    busy.value = true;
    trouble.value = null;
    try {
      await act(...given);
      return true;
    } catch (error) {
      trouble.value = asTrouble(error);
      return false;
    } finally {
      busy.value = false;
    }
  };
  return { busy, trouble, send };
}

export const asTrouble = (error: unknown): Trouble =>
  error instanceof Trouble ? error : new Trouble(-1, say("trouble.own", { what: String(error) }));
