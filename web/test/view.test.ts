import { expect, test, vi } from "vitest";
import { useView } from "@/history/view";

const NOW = vi.hoisted(() => 1_800_000_000_123);
vi.mock("@/base/now", () => ({ now: { value: NOW } }));

test("a view of nothing yet begins before it ends, though the day before it ended a little ahead", () => {
  const view = useView();
  view.begin(NOW + 140_000);
  expect(view.span.value.from).toBeLessThan(view.span.value.to);
  expect(view.span.value.to).toBeGreaterThanOrEqual(NOW);
});
