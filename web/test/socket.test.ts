import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { makeSocket } from "@/live/socket";

/** The other side of the line, as a browser shows it. */
class Line {
  static readonly OPEN = 1;
  static lines: Line[] = [];
  readyState = 0;
  readonly sent: unknown[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: (() => void) | null = null;

  constructor(readonly url: string) {
    Line.lines.push(this);
  }
  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }
  close(): void {
    this.breaks();
  }
  opens(): void {
    this.readyState = Line.OPEN;
    this.onopen?.();
  }
  breaks(): void {
    this.readyState = 3;
    this.onclose?.();
  }
}

beforeEach(() => {
  Line.lines = [];
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", Line);
  vi.stubGlobal("document", { addEventListener: () => undefined });
  vi.stubGlobal("addEventListener", () => undefined);
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

test("a line that breaks is opened again by itself, and all that is watched is asked for anew", () => {
  const states: string[] = [];
  const socket = makeSocket(() => "ws://verger.test/live", { onFrame: () => undefined, onState: (state) => states.push(state) });
  socket.watch("place:lake");
  Line.lines[0]?.opens();
  socket.watch("device:hall");
  Line.lines[0]?.breaks();
  expect(states).toEqual(["connecting", "open", "lost"]);
  expect(Line.lines).toHaveLength(1);
  vi.advanceTimersByTime(1000);
  expect(Line.lines).toHaveLength(2);
  Line.lines[1]?.opens();
  expect(states.at(-1)).toBe("open");
  expect(Line.lines[1]?.sent).toEqual([
    { type: "subscribe", place: "lake" },
    { type: "subscribe", device: "hall" },
  ]);
});

test("a server that stays away is tried ever more seldom, and at least each fifteen seconds", () => {
  const socket = makeSocket(() => "ws://verger.test/live", { onFrame: () => undefined, onState: () => undefined });
  socket.watch("me");
  for (let turn = 0; turn < 12; turn += 1) {
    Line.lines.at(-1)?.breaks();
    vi.advanceTimersByTime(15_000);
    expect(Line.lines).toHaveLength(turn + 2);
  }
  Line.lines.at(-1)?.breaks();
  vi.advanceTimersByTime(7_000);
  expect(Line.lines).toHaveLength(13);
});
