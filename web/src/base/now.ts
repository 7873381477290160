/** The time as the screen shows it: moves once a second while somebody looks. */
import { type Ref, readonly, ref } from "vue";

const moving = ref(Date.now());
setInterval(() => {
  if (document.visibilityState === "visible") moving.value = Date.now();
}, 1000);
document.addEventListener("visibilitychange", () => {
  moving.value = Date.now();
});

export const now: Readonly<Ref<number>> = readonly(moving);
