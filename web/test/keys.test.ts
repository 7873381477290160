import { expect, test } from "vitest";
import { ref } from "vue";
import { useKeys } from "@/base/keys";

test("a row keeps its key while others come and go", () => {
  const rows = ref(["a", "b", "c"]);
  const { keys, drop } = useKeys(() => rows.value.length);
  const [, second, third] = keys.value;
  drop(0);
  rows.value = rows.value.toSpliced(0, 1);
  expect(keys.value).toEqual([second, third]);
  rows.value = [...rows.value, "d"];
  expect(keys.value.slice(0, 2)).toEqual([second, third]);
  expect(new Set(keys.value).size).toBe(3);
});
