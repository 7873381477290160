/** What devices on a page were asked lately: fetched, and moved on by what is told live. */
import { type Ref, shallowRef, watch } from "vue";
import type { Trouble } from "@/base/ask";
import { useLoaded } from "@/base/loaded";
import { useRefresh } from "@/base/refresh";
import { type Command, ofDevice } from "@/commands/commands";
import { onTold } from "@/live/live";

export interface Commands {
  /** The newest command of a method, if a device was asked lately. */
  readonly lastOf: (device: string, method: string) => Command | null;
  /** Show a command as it is known to be now. */
  readonly put: (command: Command) => void;
  readonly trouble: Readonly<Ref<Trouble | null>>;
}

const LATELY = 30;
const EVERY = 30_000;

/** Follow the commands of some devices while the page is open. */
export function useCommands(devices: () => readonly string[]): Commands {
  const newer = shallowRef<readonly Command[]>([]);
  const { value, trouble, again } = useLoaded(async () => {
    const pages = await Promise.all(devices().map((device) => ofDevice(device, null, LATELY)));
    newer.value = [];
    return pages.flatMap(({ items }) => items);
  });
  watch(() => devices().join("\n"), () => void again());
  const refresh = useRefresh(again, EVERY);
  onTold((told) => {
    if (told.type === "snapshot" || (told.type === "command" && devices().includes(told.device))) refresh();
  });
  const lastOf = (device: string, method: string): Command | null => {
    const mine = [...newer.value, ...(value.value ?? [])].filter((one) => one.device === device && one.method === method);
    const newest = Math.max(...mine.map(({ asked_at }) => asked_at));
    return mine.find(({ asked_at }) => asked_at === newest) ?? null;
  };
  const put = (command: Command): void => {
    newer.value = [command, ...newer.value.filter(({ id }) => id !== command.id)];
  };
  return { lastOf, put, trouble };
}
