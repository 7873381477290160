/** Looks again: every so often while somebody looks, and soon after something was told, once for many at a time. */
import { onScopeDispose } from "vue";

const TOGETHER = 400;

/** Look again by itself; the answer asks for it now. */
export function useRefresh(look: () => unknown, every: number): () => void {
  let soon: ReturnType<typeof setTimeout> | undefined;
  const timer = setInterval(() => {
    if (document.visibilityState === "visible") look();
  }, every);
  onScopeDispose(() => {
    clearInterval(timer);
    clearTimeout(soon);
  });
  return () => {
    clearTimeout(soon);
    soon = setTimeout(look, TOGETHER);
  };
}
