import { ref, watch } from "vue";

/** Keys for the rows of a list that has none of its own: they stay with a row while others before it go. */
export function useKeys(length: () => number): { readonly keyOf: (index: number) => number; readonly drop: (index: number) => void } {
  let next = 0;
  const keys = ref<readonly number[]>([]);
  watch(length, (n) => (keys.value = Array.from({ length: n }, (_, index) => keys.value[index] ?? next++)), { immediate: true, flush: "sync" });
  return { keyOf: (index) => keys.value[index] ?? index, drop: (index) => (keys.value = keys.value.toSpliced(index, 1)) };
}
