/** What the parts of the rule form share: whom and what there is to speak of, and what was wrong where. */
import { type InjectionKey, type ComputedRef, inject } from "vue";
import type { Trouble } from "@/base/ask";
import { say } from "@/base/words";
import type { Capability } from "@/commands/commands";
import type { Device } from "@/devices/devices";

export interface Form {
  readonly devices: readonly Device[];
  readonly metrics: readonly string[];
  /** What devices of a type can be asked. */
  readonly abilities: ReadonlyMap<string, readonly Capability[]>;
  readonly trouble: Trouble | null;
}
export const formKey: InjectionKey<ComputedRef<Form>> = Symbol("form of a rule");
export function useForm(): ComputedRef<Form> {
  const form = inject(formKey);
  if (form === undefined) throw new Error("a part of the rule form stands outside of it");
  return form;
}

/** The devices to choose from, and first `none`: each here, or the one the rule is about. */
export const devicesOf = (form: Form, none: string): { value: string | null; label: string }[] => [{ value: null, label: none }, ...form.devices.map(({ id, name }) => ({ value: id, label: name }))];

/** The capabilities of a device, or of every kind of device here. */
export const capabilitiesOf = (form: Form, device: string | null | undefined): Capability[] => {
  const types = device ? [form.devices.find(({ id }) => id === device)?.type ?? ""] : [...form.abilities.keys()];
  const found = types.flatMap((type) => form.abilities.get(type) ?? []);
  return found.filter((one, index) => found.findIndex(({ method }) => method === one.method) === index);
};

/** What was wrong in a part of the document and all that is in it, each once; `deep` leaves what nested parts tell themselves. */
export const wrongs = (trouble: Trouble | null, path: string): string[] => [
  ...new Set((trouble?.errors ?? []).filter(({ field }) => field === path || field.startsWith(`${path}.`)).map(({ message }) => message)),
];
export const isWrong = (trouble: Trouble | null, path: string): boolean => wrongs(trouble, path).length > 0;

/** Text that may be a number, true, false or JSON, as somebody means it. */
export function meant(typed: string): unknown {
  try {
    return JSON.parse(typed) as unknown;
  } catch {
    return typed;
  }
}
export const typed = (value: unknown): string => (typeof value === "string" ? value : value === undefined || value === null ? "" : JSON.stringify(value));
export const each = (): string => say("rule.device.each");
