/** One socket for the whole screen: opens with the first subscription, comes back by itself, and asks anew for all that is watched. */

/** What is watched; “me” is what I am told whatever else is, so that nothing is said for it. */
export type Topic = `place:${string}` | `device:${string}` | `tenant:${string}` | "me";
type State = "idle" | "connecting" | "open" | "lost";

export interface Socket {
  readonly watch: (topic: Topic) => void;
  readonly unwatch: (topic: Topic) => void;
}
export interface Ears {
  readonly onFrame: (frame: unknown) => void;
  readonly onState: (state: State) => void;
}

const LONGEST_WAIT = 15_000;
const QUIET = 25_000; // a ping this often shows a dead line behind a sleeping proxy

/** Make the socket; nothing is opened until something is watched. */
export function makeSocket(url: () => string, { onFrame, onState }: Ears): Socket {
  const watched = new Map<Topic, number>();
  let socket: WebSocket | null = null;
  let failures = 0;
  let retry: ReturnType<typeof setTimeout> | undefined;

  const tell = (said: object): void => {
    if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(said));
  };
  const tellOf = (type: string, topic: Topic): void => {
    const cut = topic.indexOf(":");
    if (topic !== "me") tell({ type, [topic.slice(0, cut)]: topic.slice(cut + 1) });
  };
  const open = (): void => {
    clearTimeout(retry);
    if (socket !== null || watched.size === 0) return;
    onState(failures === 0 ? "connecting" : "lost");
    const mine = new WebSocket(url());
    socket = mine;
    mine.onopen = () => {
      failures = 0;
      onState("open");
      for (const topic of watched.keys()) tellOf("subscribe", topic);
    };
    mine.onmessage = ({ data }) => onFrame(JSON.parse(String(data)));
    mine.onclose = () => {
      socket = null;
      if (watched.size === 0) {
        onState("idle");
        return;
      }
      failures += 1;
      onState("lost");
      retry = setTimeout(open, Math.min(LONGEST_WAIT, 500 * 2 ** failures) * (0.5 + Math.random() / 2));
    };
  };
  setInterval(() => tell({ type: "ping" }), QUIET);
  globalThis.addEventListener("online", open);
  document.addEventListener("visibilitychange", open);

  return {
    watch: (topic) => {
      const times = watched.get(topic) ?? 0;
      watched.set(topic, times + 1);
      if (times === 0) tellOf("subscribe", topic);
      open();
    },
    unwatch: (topic) => {
      const times = watched.get(topic) ?? 0;
      if (times > 1) return void watched.set(topic, times - 1);
      watched.delete(topic);
      tellOf("unsubscribe", topic);
      // a page that follows at once keeps the line
      setTimeout(() => {
        if (watched.size === 0) socket?.close();
      }, 2000);
    },
  };
}
