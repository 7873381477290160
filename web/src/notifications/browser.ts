/** This browser as a target: asks the person, and gives what only it can open messages with. */
import type { Described } from "@/base/ask";
import { type Severity, fetchKey } from "@/notifications/notifications";

/** Whether this browser can be told anything at all; it needs HTTPS or this very machine. */
export const canPush = (): boolean => "serviceWorker" in navigator && "PushManager" in globalThis && globalThis.isSecureContext;

const bytes = (packed: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(packed.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.codePointAt(0) ?? 0);

/** What to add as a target, null when the person said no. */
export async function thisBrowser(name: string, severities: readonly Severity[]): Promise<Described["AddedTarget"] | null> {
  if ((await globalThis.Notification.requestPermission()) !== "granted") return null;
  await navigator.serviceWorker.register("/push.js");
  const worker = await navigator.serviceWorker.ready;
  const made = await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(await fetchKey()) });
  const { endpoint, keys } = made.toJSON();
  if (endpoint === undefined || keys === undefined) return null;
  return { kind: "push", name, severities, endpoint, keys: { p256dh: keys["p256dh"] ?? "", auth: keys["auth"] ?? "" } };
}
