/** The system in a word. */
import { count, value } from "@/base/tell";
import type { Readiness, System } from "@/system/system";

const LATE_SECONDS = 10;

/** Whether all is well, something wants to be looked at soon, something lags, or something is broken. */
export function conditionOf(system: System, { checks, warnings }: Readiness): "well" | "warned" | "behind" | "ill" {
  if (Object.values(checks).some((check) => check !== "ok") || system.dead_letters.length > 0 || system.aside.length > 0) return "ill";
  if (system.followers.some(({ lag_s }) => (lag_s ?? 0) > LATE_SECONDS)) return "behind";
  return Object.keys(warnings).length > 0 ? "warned" : "well";
}

const units = ["B", "kB", "MB", "GB", "TB"] as const;

/** A size as people read it. */
export function bytes(size: number): string {
  const step = size < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(size) / 3));
  return `${step === 0 ? count(size) : value(size / 1000 ** step)} ${units[step] ?? "B"}`;
}
