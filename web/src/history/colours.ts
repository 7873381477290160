/** The colours of lines, the same wherever a series is shown. */

/** How many lines can be told apart. */
export const MOST_LINES = 6;

/** A colour of the look as a canvas takes it: custom properties are asked for through an element. */
export function colour(name: string, within: HTMLElement): string {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  within.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
export const lineColour = (index: number): string => `--series-${(index % MOST_LINES) + 1}`;
