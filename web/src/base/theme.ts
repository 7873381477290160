/** Light, dark, or as the system says; kept in this browser, and applied before the first paint by public/theme.js. */
import { type Ref, readonly, ref, watch } from "vue";

export const themes = ["system", "light", "dark"] as const;
export type Theme = (typeof themes)[number];

const KEPT = "verger.theme";
const kept = themes.find((theme) => theme === document.documentElement.dataset["theme"]) ?? "system";
const chosen = ref<Theme>(kept);
export const theme: Readonly<Ref<Theme>> = readonly(chosen);

const system = matchMedia("(prefers-color-scheme: dark)");
const systemDark = ref(system.matches);
system.addEventListener("change", (change) => (systemDark.value = change.matches));

/** Call `act` whenever the colours change: canvases have to be drawn anew. */
export const whenRecoloured = (act: () => void): (() => void) =>
  watch([chosen, systemDark], act, { flush: "post" }).stop;

export function choose(wanted: Theme): void {
  chosen.value = wanted;
  if (wanted === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = wanted;
  try {
    if (wanted === "system") localStorage.removeItem(KEPT);
    else localStorage.setItem(KEPT, wanted);
  } catch {
    // a browser that keeps nothing has it for this visit
  }
}
