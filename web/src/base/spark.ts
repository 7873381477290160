/** A small line without axes, as SVG paths. */

/** `line` through what is known, broken where nothing is; `silence` onward from the last known value to the end. */
export function sparkPaths(values: readonly (number | null)[], width: number, height: number): { line: string; silence: string } {
  const known = values.filter((value) => value !== null);
  if (known.length === 0) return { line: "", silence: `M0 ${height / 2}H${width}` };
  const low = Math.min(...known);
  const reach = Math.max(...known) - low;
  const margin = 4;
  const x = (index: number): number => round((index / Math.max(1, values.length - 1)) * width);
  const y = (value: number): number => (reach === 0 ? height / 2 : round(height - margin - ((value - low) / reach) * (height - 2 * margin)));

  const line = values
    .map((value, index) => {
      if (value === null) return "";
      const alone = (values[index - 1] ?? null) === null && (values[index + 1] ?? null) === null;
      if (alone) return `M${x(index)} ${y(value)}h0.01`;
      return `${(values[index - 1] ?? null) === null ? "M" : "L"}${x(index)} ${y(value)}`;
    })
    .join("");
  const last = values.findLastIndex((value) => value !== null);
  const from = values[last] ?? null;
  // one empty bucket at the end is only the one that has just begun
  const silence = from !== null && last < values.length - 2 ? `M${x(last)} ${y(from)}H${width}` : "";
  return { line, silence };
}

const round = (number: number): number => Math.round(number * 10) / 10;
