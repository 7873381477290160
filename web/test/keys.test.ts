import { expect, test } from "vitest";
import { ref } from "vue";
import { useKeys } from "@/base/keys";

test("a row keeps its key while others come and go", () => {
  const rows = ref(["a", "b", "c"]);
  const { keyOf, drop } = useKeys(() => rows.value.length);
  const keys = (): number[] => rows.value.map((_, index) => keyOf(index));
  const [, second, third] = keys();
  drop(0);
  rows.value = rows.value.toSpliced(0, 1);
  expect(keys()).toEqual([second, third]);
  rows.value = [...rows.value, "d"];
  expect(keys().slice(0, 2)).toEqual([second, third]);
  expect(new Set(keys()).size).toBe(3);
});
