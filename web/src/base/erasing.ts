/** One of a list, deleted once the person has confirmed. */
import { type Ref, type ShallowRef, ref, shallowRef } from "vue";
import { type Sending, useSending } from "@/base/loaded";

export interface Erasing<T> extends Sending<[]> {
  /** Which one is asked about. */
  readonly leaving: Readonly<ShallowRef<T | null>>;
  /** Whether the person is being asked. */
  readonly asking: Ref<boolean>;
  readonly ask: (one: T) => void;
}

/** Ask before one is erased; `send` is what a confirmation does, and `again` what shows the list without it. */
export function useErasing<T extends { readonly id: string }>(erase: (id: string) => Promise<unknown>, again: () => Promise<void>): Erasing<T> {
  const leaving: ShallowRef<T | null> = shallowRef(null);
  const asking = ref(false);
  const ask = (one: T): void => {
    leaving.value = one;
    asking.value = true;
  };
  const sending = useSending(async () => {
    if (leaving.value !== null) await erase(leaving.value.id);
    asking.value = false;
    await again();
  });
  return { leaving, asking, ask, ...sending };
}
