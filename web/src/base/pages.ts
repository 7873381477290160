/** A list that is read page by page, the newest first. */
import { type ComputedRef, type Ref, computed, ref, shallowRef } from "vue";
import type { Trouble } from "@/base/ask";
import { asTrouble } from "@/base/loaded";

export interface Pages<T> {
  readonly items: Readonly<Ref<readonly T[] | null>>;
  readonly trouble: Readonly<Ref<Trouble | null>>;
  readonly busy: Readonly<Ref<boolean>>;
  readonly more: ComputedRef<boolean>;
  /** Read the next page. */
  readonly older: () => Promise<void>;
  /** Begin anew; what is shown stays until the answer is there. */
  readonly again: () => Promise<void>;
}

export function usePages<T>(load: (cursor: string | null) => Promise<{ items: T[]; next: string | null }>): Pages<T> {
  const items = shallowRef<readonly T[] | null>(null);
  const trouble = shallowRef<Trouble | null>(null);
  const busy = ref(false);
  const next = ref<string | null>(null);

  const read = async (cursor: string | null): Promise<void> => {
    if (busy.value) return;
    busy.value = true;
    try {
      const page = await load(cursor);
      items.value = cursor === null ? page.items : [...(items.value ?? []), ...page.items];
      next.value = page.next;
      trouble.value = null;
    } catch (error) {
      trouble.value = asTrouble(error);
    }
    busy.value = false;
  };
  void read(null);
  return { items, trouble, busy, more: computed(() => next.value !== null), older: () => read(next.value), again: () => read(null) };
}
