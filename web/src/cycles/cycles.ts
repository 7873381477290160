/** Growing cycles: what grows at a place, in which stage, and what came of it. */
import { type Described, all, at, get, post, remove } from "@/base/ask";
import { type Checked, list, maybe, number, oneOf, page, shape, text, time } from "@/base/shape";

export const stages = ["inoculation", "incubation", "pinning", "fruiting", "harvest", "rest"] as const;
export const kinds = ["harvest", "contamination"] as const;
export type Stage = (typeof stages)[number];
export type Kind = (typeof kinds)[number];

export const cycle = shape({
  id: text,
  place: text,
  crop: text,
  stage: oneOf(...stages),
  stages: list(shape({ stage: oneOf(...stages), since: time })),
  notes: text,
  started_at: time,
  expected_at: maybe(time),
  ended_at: maybe(time),
  outcome: maybe(oneOf("harvested", "aborted")),
  harvested_kg: number,
  contaminations: number,
  version: number,
});
export const cycles = page(cycle);
export type Cycle = Checked<typeof cycle>;
export const happening = shape({ id: text, cycle: text, kind: oneOf(...kinds), at: time, weight_kg: maybe(number), note: text, by: text });
export const happenings = page(happening);
export type Happening = Checked<typeof happening>;

/** The cycles at a place itself: the one that runs, and how many there were before. */
export async function atPlace(place: string): Promise<{ running: Cycle | null; past: Cycle[] }> {
  const found = (await all("/cycles", cycles, { place })).filter((one) => one.place === place);
  return { running: found.find(({ ended_at }) => ended_at === null) ?? null, past: found.filter(({ ended_at }) => ended_at !== null) };
}
export const begin = (place: string, crop: string, stage: Stage): Promise<Cycle> => post("/cycles", cycle, { place, crop, stage } satisfies Described["NewCycle"]);
export const move = ({ id }: Cycle, stage: Stage): Promise<Cycle> => post(at`/cycles/${id}/stage`, cycle, { stage } satisfies Described["NewStage"]);
export const end = ({ id }: Cycle, outcome: "harvested" | "aborted"): Promise<Cycle> => post(at`/cycles/${id}/end`, cycle, { outcome } satisfies Described["End"]);
export const happen = ({ id }: Cycle, kind: Kind, weight_kg: number | null, note: string): Promise<Happening> => post(at`/cycles/${id}/events`, happening, { kind, weight_kg, note } satisfies Described["NewHappening"]);
export const course = async ({ id }: Cycle): Promise<Happening[]> => (await get(at`/cycles/${id}/events`, happenings, { limit: 20 })).items;
export const undo = async (one: Happening): Promise<void> => {
  await remove(at`/cycles/${one.cycle}/events/${one.id}`);
};

/** Whole days since a time, for "day 12". */
export const daysSince = (since: number, now: number): number => Math.max(0, Math.floor((now - since) / 86_400_000));
