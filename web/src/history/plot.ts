/** How a chart is drawn: uPlot's options from lines, in the look's colours and the place's zone. */
import uPlot from "uplot";
import { moment, stepped } from "@/base/tell";
import { colour, lineColour } from "@/history/colours";
import { withGaps } from "@/history/course";
import type { Course, Span } from "@/history/history";

/** A course with what to call it. */
export interface Line {
  readonly label: string;
  readonly course: Course;
}
interface Drawing {
  readonly lines: readonly Line[];
  /** Asked at every drawing, since a live chart moves on. */
  readonly span: () => Span;
  /** Moments to mark by an upright line, and values to mark by a level one. */
  readonly marks: () => readonly number[];
  readonly levels: () => readonly number[];
  /** Whether the chart is to reach every level, however far it lies from the values. */
  readonly reaching: boolean;
  readonly zone: string;
  readonly width: number;
  readonly height: number;
  readonly onZoom: (span: Span) => void;
  readonly onCursor: (at: number | null) => void;
}

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const FEW_POINTS = 60;

/** The lines on one time axis; for each its lowest, highest and average. */
export function aligned(lines: readonly Line[]): uPlot.AlignedData {
  const tables = lines.map(({ course }) => {
    const { at, avg, min, max } = withGaps(course);
    return [at, min, max, avg] satisfies uPlot.AlignedData;
  });
  return tables.length === 0 ? [[]] : uPlot.join(tables);
}

const seriesOf = (lines: readonly Line[], root: HTMLElement): { series: uPlot.Series[]; bands: uPlot.Band[] } => {
  const series: uPlot.Series[] = [{}];
  const bands: uPlot.Band[] = [];
  const veil = lines.length === 1 ? 0.14 : 0.09;
  lines.forEach(({ label, course }, index) => {
    const stroke = colour(lineColour(index), root);
    const edge: uPlot.Series = { stroke: "transparent", width: 0, points: { show: false } };
    const first = series.length;
    series.push(edge, { ...edge }, { label, stroke, width: 1.8, points: { show: true, size: 5, width: 0, fill: stroke, filter: lonely } });
    if (course.width !== null) bands.push({ series: [first + 1, first], fill: stroke.replace("rgb(", "rgba(").replace(")", `, ${veil})`) });
  });
  return { series, bands };
};

/** The points to mark: all of a few, else only those that no line touches. */
function lonely(plot: uPlot, index: number): number[] {
  const column = plot.data[index] ?? [];
  const known = [...column.keys()].filter((at) => column[at] !== null && column[at] !== undefined);
  if (known.length <= FEW_POINTS) return known;
  return known.filter((at) => column[at - 1] === null && column[at + 1] === null);
}

function ticks(zone: string): uPlot.Axis.DynamicValues {
  return (_plot, splits, _axis, _space, step) =>
    splits.map((at) => {
      if (step >= 25 * DAY) return moment(at, "month", zone);
      const midnight = moment(at, "clock", zone) === moment(Date.UTC(2000, 0, 1), "clock", "UTC");
      if (step >= DAY || midnight) return moment(at, "day", zone);
      return moment(at, step < 60_000 ? "second" : "clock", zone);
    });
}

/** The levels that do not make the values flat: no farther from them than they reach themselves, or a twentieth of them. */
export function near(lowest: number, highest: number, levels: readonly number[]): number[] {
  const room = Math.max(highest - lowest, Math.abs(lowest) / 20, Math.abs(highest) / 20);
  return levels.filter((level) => level >= lowest - room && level <= highest + room);
}

/** The values and the levels with some air around them, also where all are one. */
function around(lowest: number | null, highest: number | null, levels: readonly number[], reaching: boolean): uPlot.Range.MinMax {
  if (lowest === null || highest === null) return [0, 1];
  const shown = reaching ? levels : near(lowest, highest, levels);
  const low = Math.min(lowest, ...shown);
  const high = Math.max(highest, ...shown);
  if (low === high) return [low - Math.max(1, Math.abs(low) / 20), high + Math.max(1, Math.abs(high) / 20)];
  const side = { pad: 0.1, soft: 0, mode: 3 } as const;
  return uPlot.rangeNum(low, high, { min: side, max: side });
}

/** Draw what is marked over the lines. */
function markings(root: HTMLElement, marks: () => readonly number[], levels: () => readonly number[]): (plot: uPlot) => void {
  const stroke = colour("--attention", root);
  return (plot) => {
    const { ctx } = plot;
    const { left, top, width, height } = plot.bbox;
    ctx.save();
    ctx.beginPath();
    ctx.rect(left, top, width, height);
    ctx.clip();
    ctx.strokeStyle = stroke;
    ctx.lineWidth = devicePixelRatio;
    const line = (from: readonly [number, number], to: readonly [number, number], dash: readonly number[]): void => {
      ctx.setLineDash(dash.map((part) => part * devicePixelRatio));
      ctx.beginPath();
      ctx.moveTo(...from);
      ctx.lineTo(...to);
      ctx.stroke();
    };
    for (const at of marks()) {
      const x = plot.valToPos(at, "x", true);
      line([x, top], [x, top + height], []);
    }
    for (const value of levels()) {
      const y = plot.valToPos(value, "y", true);
      line([left, y], [left + width, y], [4, 4]);
    }
    ctx.restore();
  };
}

export function options(root: HTMLElement, { lines, span, marks, levels, reaching, zone, width, height, onZoom, onCursor }: Drawing): uPlot.Options {
  const grid = { stroke: colour("--line", root), width: 1 };
  const axis: uPlot.Axis = { stroke: colour("--ink-3", root), font: "11px system-ui, sans-serif", grid, ticks: { show: false }, gap: 6 };
  return {
    width,
    height,
    ms: 1,
    tzDate: (at) => uPlot.tzDate(new Date(at), zone),
    padding: [10, 34, 0, 0], // half of a time with seconds
    legend: { show: false },
    cursor: { drag: { x: true, y: false, setScale: false }, points: { size: 8 }, y: false, focus: { prox: -1 } },
    scales: { x: { time: true, range: () => [span().from, span().to] }, y: { range: (_plot, low, high) => around(low, high, levels(), reaching) } },
    axes: [
      { ...axis, grid: { show: false }, space: 76, size: 26, values: ticks(zone) },
      { ...axis, space: 42, size: (_plot, values: string[] | null) => 14 + 7 * Math.max(2, ...(values ?? []).map((one) => one.length)), values: (_plot, splits, _axis, _space, step) => splits.map((at) => stepped(at, step)) },
    ],
    ...seriesOf(lines, root),
    hooks: {
      draw: [markings(root, marks, levels)],
      setSelect: [
        (plot) => {
          if (plot.select.width < 4) return;
          onZoom({ from: plot.posToVal(plot.select.left, "x"), to: plot.posToVal(plot.select.left + plot.select.width, "x") });
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        },
      ],
      setCursor: [(plot) => onCursor(plot.cursor.idx === null || plot.cursor.idx === undefined ? null : (plot.data[0][plot.cursor.idx] ?? null))],
    },
  };
}
