/** A file on its way to Verger: how far it is, and what it is there. */
import { type Ref, type ShallowRef, onScopeDispose, ref, shallowRef } from "vue";
import type { Bringing } from "@/base/ask";
import type { Upload } from "@/imports/imports";

export interface Bringer {
  brought: ShallowRef<Upload | null>;
  way: ShallowRef<Bringing<Upload> | null>;
  gone: Ref<number>;
  carry: (chosen: File) => Promise<Upload | null>;
}

/** Bring files by `bringFile`; `way` is there while one is on its way, of which `gone` bytes have gone, and `brought` is what arrived. */
export function useBringing(bringFile: (file: File, onWay: (bytes: number) => void) => Bringing<Upload>): Bringer {
  const brought = shallowRef<Upload | null>(null);
  const way = shallowRef<Bringing<Upload> | null>(null);
  const gone = ref(0);

  /** Return the file as it is there, and bring it if it is not yet; null when that was called off. */
  async function carry(chosen: File): Promise<Upload | null> {
    if (brought.value !== null) return brought.value;
    gone.value = 0;
    way.value = bringFile(chosen, (bytes) => (gone.value = bytes));
    try {
      return (brought.value = await way.value.arrived);
    } finally {
      way.value = null;
    }
  }
  onScopeDispose(() => way.value?.stop());
  return { brought, way, gone, carry };
}
