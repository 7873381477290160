/** The title of the browser's tab, where a page has a name of its own. */
import { watchEffect } from "vue";
import { say } from "@/base/words";

/** Call the tab by a name, once it is known. */
export function useTitle(name: () => string | undefined): void {
  watchEffect(() => {
    const page = name();
    if (page !== undefined) document.title = say("app.title", { page });
  });
}
