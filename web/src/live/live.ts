/** Live: what the devices on screen say now. A page says what it watches; what is told lands in `shown`. */
import { type Ref, onScopeDispose, readonly, ref, shallowReactive } from "vue";
import { signedOut } from "@/base/ask";
import { type Topic, makeSocket } from "@/live/socket";
import { type Standing, type Told, after, hear } from "@/live/told";
import { recall, tenant } from "@/session/session";

export type { Latest, Standing, Told } from "@/live/told";

const standings = shallowReactive(new Map<string, Standing>());
const connection = ref<"idle" | "connecting" | "open" | "lost">("idle");
const listeners = new Set<(told: Told) => void>();

/** How each device on screen stands. */
export const shown: ReadonlyMap<string, Standing> = standings;
export const line: Readonly<Ref<"idle" | "connecting" | "open" | "lost">> = readonly(connection);

const url = (): string => `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/api/v1/live`;

const socket = makeSocket(url, {
  onState: (state) => {
    connection.value = state;
    // a browser is not told why a line was refused; whether we are still known tells
    if (state === "lost") void recall().then((me) => me ?? signedOut(), () => undefined);
  },
  onFrame: (frame) => {
    const told = hear(frame);
    if (told === null) return;
    for (const [device, standing] of after(standings, told)) standings.set(device, standing);
    for (const listen of listeners) listen(told);
  },
});

/** Watch something while the page is open. */
export function watchLive(topic: Topic, listen?: (told: Told) => void): void {
  socket.watch(topic);
  onScopeDispose(() => socket.unwatch(topic));
  if (listen !== undefined) onTold(listen);
}

/** Hear what happens anywhere in the organisation, while the page is open. */
export function watchTenant(listen: (told: Told) => void): void {
  if (tenant.value !== null) watchLive(`tenant:${tenant.value.id}`, listen);
}

/** Hear what is told about whatever is watched, while the page is open. */
export function onTold(listen: (told: Told) => void): void {
  listeners.add(listen);
  onScopeDispose(() => void listeners.delete(listen));
}

/** Show what was fetched, unless something newer was told meanwhile. */
export function seed(device: string, fetched: Standing): void {
  const told = standings.get(device);
  if (told === undefined) return void standings.set(device, fetched);
  const latest = { ...fetched.latest };
  for (const [metric, reading] of Object.entries(told.latest)) {
    const known = latest[metric];
    if (known === undefined || reading.at >= known.at) latest[metric] = { ...reading, unit: known?.unit ?? reading.unit };
  }
  standings.set(device, { ...told, latest });
}
