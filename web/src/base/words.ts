/** The one place that words come from: `say` fills a phrase of the catalogue, and chooses its form by number. */
import { en } from "@/base/words/en";

type Forms = Readonly<Partial<Record<Intl.LDMLPluralRule, string>> & { other: string }>;
/** A language: the same names as the English one. */
export type Catalogue = Readonly<Record<keyof typeof en, string | Forms>>;

type Phrases = typeof en;
type Holes<S> = S extends `${string}{${infer Hole}}${infer Rest}` ? Hole | Holes<Rest> : never;
type HolesOf<P> = P extends string ? Holes<P> : P extends { other: infer O } ? Holes<O> | "n" : never;
type Filled<K extends keyof Phrases> = [HolesOf<Phrases[K]>] extends [never]
  ? []
  : [holes: Readonly<Record<HolesOf<Phrases[K]>, string | number>>];
export type Phrase = keyof Phrases;
/** The phrases that need nothing filled in. */
export type Plain = { [K in Phrase]: [HolesOf<Phrases[K]>] extends [never] ? K : never }[Phrase];

const words: Catalogue = en;
export const language = "en";

/** The reader's own way with numbers and dates, in our language. */
export const locale = navigator.languages.find((wanted) => wanted.startsWith(language)) ?? language;

const plural = new Intl.PluralRules(language);
const whole = new Intl.NumberFormat(locale);

/** The form for a number: none at all may have its own in any language. */
const chosen = (forms: Forms, n: number): string => (n === 0 ? forms.zero : undefined) ?? forms[plural.select(n)] ?? forms.other;

/** Say a phrase of the catalogue. */
export function say<K extends Phrase>(phrase: K, ...[holes]: Filled<K>): string {
  const filled: Readonly<Record<string, string | number>> = holes ?? {};
  const form = words[phrase];
  const pattern = typeof form === "string" ? form : chosen(form, Number(filled["n"]));
  return pattern.replace(/\{(\w+)\}/g, (hole, name: string) => {
    const value = filled[name];
    return typeof value === "number" ? whole.format(value) : (value ?? hole);
  });
}
