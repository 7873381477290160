/** The usual calculations as fields, and the expressions that say them: each is made of the other. */

export const kinds = ["vpd", "dew_point", "sum", "mean", "min", "max", "difference", "rate", "integral", "increase"] as const;
export type Kind = (typeof kinds)[number];
/** A value that a calculation takes: of the device itself, of a certain one, or, over a place, of each. */
export interface Operand {
  readonly device: string | null;
  readonly metric: string;
}
/** One of the usual calculations; `per` is how many seconds it counts as one, where it goes by time. */
export interface Recipe {
  readonly kind: Kind;
  readonly of: readonly Operand[];
  readonly per: number;
}
/** What a calculation is called, measured in, and kept as, if nobody says otherwise. */
export interface Suggested {
  readonly key: string;
  readonly unit: string;
}

export const HOUR_S = 3600;
export const spans = [1, 60, HOUR_S, 86_400] as const;
const symbols: Readonly<Record<number, string>> = { 1: "s", 60: "min", 3600: "h", 86_400: "d" };

/** Whether it is over all devices at a place and below it. */
export const overPlace = (kind: Kind): boolean => ["sum", "mean", "min", "max"].includes(kind);
export const timed = (kind: Kind): boolean => kind === "rate" || kind === "integral";
export const taking = (kind: Kind): number => (["vpd", "dew_point", "difference"].includes(kind) ? 2 : 1);

// words of the language that the expressions are read by, so that no metric can be written as one
const reserved = /^(?:False|None|True|and|as|assert|async|await|break|class|continue|def|del|elif|else|except|finally|for|from|global|if|import|in|is|lambda|nonlocal|not|or|pass|raise|return|try|while|with|yield)$/;

/** A value as an expression names it. */
export function written({ device, metric }: Operand): string {
  if (device !== null) return `of(${JSON.stringify(device)}, ${JSON.stringify(metric)})`;
  return /^[A-Za-z_]\w*$/.test(metric) && !reserved.test(metric) ? metric : `metric(${JSON.stringify(metric)})`;
}

/** A calculation as an expression. */
export function expressionOf({ kind, of, per }: Recipe): string {
  const parts = of.map(written);
  if (kind === "rate" && per !== 1) parts.push(String(per));
  if (kind === "integral" && per !== HOUR_S) parts.push(String(per));
  return `${kind}(${parts.join(", ")})`;
}

const text = String.raw`"(?:[^"\\]|\\.)*"`;
const operand = String.raw`(?:of\(\s*${text}\s*,\s*${text}\s*\)|metric\(\s*${text}\s*\)|[A-Za-z_]\w*)`;
const whole = new RegExp(String.raw`^\s*(?<kind>${kinds.join("|")})\(\s*(?<first>${operand})\s*(?:,\s*(?<second>${operand})\s*)?(?:,\s*(?<per>\d+)\s*)?\)\s*$`);

function read(said: string): Operand | null {
  const [first, second] = [...said.matchAll(new RegExp(text, "g"))].map(([one]) => unquoted(one));
  if (first === undefined) return { device: null, metric: said.trim() };
  if (first === null || second === null) return null;
  return second === undefined ? { device: null, metric: first } : { device: first, metric: second };
}
function unquoted(said: string): string | null {
  try {
    return JSON.parse(said) as string;
  } catch {
    return null; // quoted in a way that we do not write
  }
}

/** Whether a calculation can be of these values. */
const fits = (kind: Kind, of: readonly Operand[], timely: boolean): boolean =>
  of.length === taking(kind) && (!timely || timed(kind)) && !(overPlace(kind) && of.some(({ device }) => device !== null));

/** The usual calculation that an expression is, null where it is none of them. */
export function recipeOf(expression: string): Recipe | null {
  const found = whole.exec(expression)?.groups;
  const kind = kinds.find((one) => one === found?.["kind"]);
  if (found === undefined || kind === undefined) return null;
  const of = [found["first"], found["second"]].flatMap((said) => (said === undefined ? [] : [read(said)]));
  const some = of.filter((one) => one !== null);
  const per = Number(found["per"] ?? (kind === "rate" ? 1 : HOUR_S));
  return some.length === of.length && per > 0 && fits(kind, some, found["per"] !== undefined) ? { kind, of: some, per } : null;
}

const wanted: Readonly<Partial<Record<Kind, readonly RegExp[]>>> = { vpd: [/temp/i, /hum|^rh$/i], dew_point: [/temp/i, /hum|^rh$/i], integral: [/power|flow|watt/i], increase: [/energy|count|total|volume/i] };

/** A calculation to begin with, of the metrics that there are. */
export function begun(kind: Kind, metrics: readonly string[]): Recipe {
  const of = Array.from({ length: taking(kind) }, (_, index): Operand => {
    const fitting = metrics.find((metric) => wanted[kind]?.[index]?.test(metric));
    return { device: null, metric: fitting ?? metrics[Math.min(index, metrics.length - 1)] ?? "" };
  });
  return { kind, of, per: HOUR_S };
}

/** The key and the unit that fit a calculation of values in `unit`. */
export function suggested({ kind, of, per }: Recipe, unit: string): Suggested {
  if (kind === "vpd") return { key: "vpd", unit: "kPa" };
  if (kind === "dew_point") return { key: "dew_point", unit: "Cel" };
  const key = `${(of[0]?.metric ?? "").replace(/\W+/g, "_")}_${kind}`;
  const time = symbols[per] ?? "";
  if (kind === "rate") return { key, unit: time === "" ? "" : `${unit === "1" ? "" : unit}/${time}` };
  return { key, unit: kind === "integral" ? summed(unit, time) : unit };
}

/** A unit times a time: litres a minute over minutes are litres. */
function summed(unit: string, time: string): string {
  if (time === "" || unit === "") return "";
  return unit.endsWith(`/${time}`) ? unit.slice(0, -time.length - 1) : `${unit}.${time}`;
}
