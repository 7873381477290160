/** The first sentence of the day: calm when it can be, and a number when somebody is needed. */
import { type Plain, say } from "@/base/words";
import type { Need, Overview } from "@/overview/overview";

/** The title, and what else there is to say. */
export function greeting({ places, devices, online, silent }: Overview, needs: readonly Need[]): { title: string; rest: string } {
  if (places.length === 0) return { title: say("today.empty"), rest: say("today.empty.sub") };
  if (devices === 0) return { title: say("today.ready"), rest: say("today.ready.sub") };
  const unheard = needs.filter(({ state }) => state === "waiting").length;
  const urging = needs.length - unheard;
  if (urging === 0 && online === 0 && unheard > 0) {
    return { title: say("today.unheard"), rest: say("today.unheard.sub", { n: unheard }) };
  }
  const quiet = silent.filter(({ last_seen }) => last_seen !== null).length;
  const speaking = [say("today.speaking", { n: online }), ...(quiet > 0 ? [say("today.silent", { n: quiet })] : [])].join(", ");
  if (urging === 0) return { title: say("today.calm"), rest: `${speaking}.` };
  return { title: say("today.needs", { n: urging, word: spelled(urging) }), rest: `${say("today.rest")} ${speaking}.` };
}

const spelled = (n: number): string => (n >= 1 && n <= 9 ? say(`number.${n}` as Plain) : String(n));
