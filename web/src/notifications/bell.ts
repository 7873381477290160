/** Keeps the number of what is new, for as long as the frame around the pages stands. */
import { onScopeDispose, watch } from "vue";
import { useRoute } from "vue-router";
import { watchLive } from "@/live/live";
import { count, countOne, countTold } from "@/notifications/notifications";

const EVERY = 60_000;

export function useBell(): void {
  const look = (): void => {
    count().catch(() => undefined); // the next look finds out; a page that is open says what is wrong
  };
  const route = useRoute();
  watch(() => route.path, look, { immediate: true });
  const timer = setInterval(() => {
    if (document.visibilityState === "visible") look();
  }, EVERY);
  onScopeDispose(() => clearInterval(timer));
  watchLive("me", (told) => {
    if (told.type === "notification") countOne();
    if (told.type === "notifications_read") countTold(told.unread);
  });
}
