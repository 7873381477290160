/** The span a chart shows: one of the usual ones up to now, or a part that somebody zoomed into. */
import { type ComputedRef, type Ref, computed, ref, shallowRef } from "vue";
import { now } from "@/base/now";
import { type Span, type SpanName, spans } from "@/history/history";

const SHORTEST = 10_000;
const LONGEST = 5 * spans["1y"];

export interface View {
  readonly name: Readonly<Ref<SpanName>>;
  /** Show one of the usual spans, up to now. */
  readonly choose: (name: SpanName) => void;
  /** Show what there is since a first value, at most an hour, until somebody chooses otherwise. */
  readonly begin: (first: number) => void;
  readonly zoomed: Readonly<Ref<boolean>>;
  readonly span: ComputedRef<Span>;
  readonly zoom: (to: Span) => void;
  readonly whole: () => void;
  /** Move by a part of the span: −0.5 is half a span earlier. */
  readonly move: (part: number) => void;
  /** Zoom by a factor around the middle, or around the present while it is in view. */
  readonly scaled: (factor: number) => void;
}

export function useView(): View {
  const name = ref<SpanName>("24h");
  const part = shallowRef<Span | null>(null);
  const first = ref<number | null>(null);

  const until = computed(() => {
    const width = first.value === null ? spans[name.value] : now.value - first.value;
    const step = Math.max(1000, width / 600); // about a pixel: no need to draw anew for less
    return Math.ceil(now.value / step) * step;
  });
  const since = computed(() => {
    const whole = until.value - spans[name.value];
    if (first.value === null) return whole;
    return Math.max(whole, first.value - Math.max(30_000, (until.value - first.value) / 10));
  });
  const span = computed<Span>(() => part.value ?? { from: since.value, to: until.value });
  const zoom = ({ from, to }: Span): void => {
    const middle = (from + to) / 2;
    const width = Math.max(SHORTEST, Math.min(LONGEST, to - from));
    part.value = { from: middle - width / 2, to: middle + width / 2 };
  };
  const whole = (): void => {
    part.value = null;
  };
  return {
    name,
    choose: (chosen) => {
      whole();
      first.value = null;
      name.value = chosen;
    },
    begin: (at) => {
      name.value = "1h";
      first.value = Math.min(at, now.value); // a span may end a little ahead, where nothing can have begun
    },
    zoomed: computed(() => part.value !== null),
    span,
    zoom,
    whole,
    move: (by) => {
      const { from, to } = span.value;
      const width = to - from;
      if (from + width * by + width >= until.value) whole();
      else zoom({ from: from + width * by, to: to + width * by });
    },
    scaled: (factor) => {
      const { from, to } = span.value;
      const fixed = part.value === null ? to : (from + to) / 2;
      zoom({ from: fixed - (fixed - from) * factor, to: fixed + (to - fixed) * factor });
    },
  };
}
