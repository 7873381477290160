/** How a CSV file is likely to be read, by its first lines: only a beginning, for whoever imports it looks at it. */
import type { Described } from "@/base/ask";

export type Reading = { -readonly [K in keyof Described["FileForm"]]-?: K extends "metrics" ? Record<string, string> : Exclude<Described["FileForm"][K], undefined> };
/** What the first lines show: the columns, a first row, and how it may be meant. */
export interface Glance {
  readonly columns: readonly string[];
  readonly sample: readonly string[];
  readonly reading: Reading;
  /** Whether a column says whose a row is. */
  readonly namesDevice: boolean;
}

export const separators = [",", ";", "\t", "|"] as const;
const names = {
  time: ["time", "timestamp", "ts", "datetime", "date", "at", "zeit", "zeitpunkt", "datum", "aika", "masa", "oras", "thời gian"],
  device: ["device", "device_name", "sensor", "device id", "deviceid", "gerät", "laite"],
  metric: ["metric", "key", "name", "measurement", "variable", "parameter"],
  value: ["value", "val", "reading", "wert", "arvo"],
  unit: ["unit", "units", "einheit", "yksikkö"],
} as const;

/** The cells of the first lines, as the separator cuts them; a quoted cell may hold it. */
export function cells(text: string, separator: string, most: number): string[][] {
  const parting = separator === "|" ? "\\|" : separator;
  const cell = new RegExp(`("(?:[^"]|"")*"|[^${parting}\\n]*)(${parting}|\\r?\\n|$)`, "gy");
  const rows: string[][] = [];
  let row: string[] = [];
  for (const [all, written = "", end] of text.matchAll(cell)) {
    if (all === "" && row.length === 0) break;
    row.push(written.startsWith('"') ? written.slice(1, -1).replaceAll('""', '"').trim() : written.trim());
    if (end === separator) continue;
    if (row.some((each) => each !== "")) rows.push(row);
    if (rows.length === most || end === "") break;
    row = [];
  }
  return rows;
}

/** The column that is called so, in the order of likelihood. */
function called(columns: readonly string[], likely: readonly string[]): string | null {
  for (const name of likely) {
    const found = columns.find((column) => column.toLowerCase() === name);
    if (found !== undefined) return found;
  }
  return null;
}

function separatorOf(text: string): Reading["separator"] {
  const width = (separator: string): number => cells(text, separator, 1)[0]?.length ?? 0;
  return separators.reduce((best, each) => (width(each) > width(best) ? each : best));
}

function timeOf(sample: string): Reading["time"] {
  if (!/^-?\d{9,}([.,]\d+)?$/.test(sample)) return "rfc3339";
  return /^-?\d{12,}/.test(sample) ? "ms" : "s";
}

type Parts = Pick<Reading, "form" | "time_column" | "device_column" | "metric_column" | "value_column" | "unit_column" | "metrics">;

/** Which column is what: by what it is called, else by where it stands; and whether one says whose a row is. */
function partsOf(columns: readonly string[], sample: readonly string[]): [parts: Parts, namesDevice: boolean] {
  const [device, metric, value, unit] = ([names.device, names.metric, names.value, names.unit] as const).map((likely) => called(columns, likely));
  const dated = columns.find((_, index) => /\d[-/.T:]\d/.test(sample[index] ?? ""));
  const time_column = called(columns, names.time) ?? dated ?? columns[0] ?? "time";
  const others = columns.filter((column) => column !== "" && column !== time_column && column !== device);
  const either = (found: string | null | undefined, instead: string | undefined): string => found ?? instead ?? time_column;
  const parts: Parts = {
    form: metric && value ? "long" : "wide",
    time_column,
    device_column: either(device, columns[0]),
    metric_column: either(metric, others[0]),
    value_column: either(value, others.at(-1)),
    unit_column: unit ?? "",
    metrics: Object.fromEntries(others.map((column) => [column, column])),
  };
  return [parts, Boolean(device)];
}

/** Look at the first lines of a file; times without a zone are likely those of `zone`. */
export function glance(start: string, zone: string, separator?: Reading["separator"]): Glance {
  const text = start.replace(/^\uFEFF/, "");
  const parting = separator ?? separatorOf(text);
  const [columns = [], ...rows] = cells(text, parting, 20);
  const sample = rows[0] ?? [];
  const [parts, namesDevice] = partsOf(columns, sample);
  const comma = parting !== "," && rows.some((row) => row.some((cell) => /^[+-]?[\d.]*\d,\d+$/.test(cell)));
  const time = timeOf(sample[columns.indexOf(parts.time_column)] ?? "");
  return { columns, sample, namesDevice, reading: { ...parts, device: null, time, timezone: zone, separator: parting, decimal: comma ? "," : "." } };
}
