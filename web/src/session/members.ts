/** The members of the organisation, and who is meant by what is kept of them. */
import { type Ref, shallowReadonly, shallowRef } from "vue";
import { type Described, all, at, patch, remove } from "@/base/ask";
import { type Checked, maybe, number, oneOf, page, shape, text } from "@/base/shape";
import { say } from "@/base/words";
import { type Role, may, roles, who } from "@/session/session";

const member = shape({ id: text, name: text, email: text, role: oneOf(...roles), version: maybe(number) });
export const members = page(member);
export type Member = Checked<typeof member>;

const kept = shallowRef<readonly Member[]>([]);
export const people: Readonly<Ref<readonly Member[]>> = shallowReadonly(kept);

/** Fetch who is there, for the names on a page. */
export async function meet(): Promise<readonly Member[]> {
  if (may("members:read")) kept.value = await all("/members", members);
  return kept.value;
}

export const changeRole = ({ id, version }: Member, role: Role): Promise<Member> =>
  patch(at`/members/${id}`, member, { role } satisfies Described["NewRole"], version);
export const endMembership = async ({ id }: Member): Promise<void> => {
  await remove(at`/members/${id}`);
};
/** The roles that I may hand out: mine, and those that may less. */
export const below = (mine: Role): Role[] => roles.slice(0, roles.indexOf(mine) + 1);

/** The name of whoever did something: an id, or `user:<id>`, `key:<id>`, `rule:<id>`, `shedding:<id>`; Verger itself is null. */
export function nameOf(did: string | null): string {
  if (did === null) return say("who.verger");
  const [kind, id = kind] = did.includes(":") ? did.split(":") : ["user", did];
  if (kind === "rule") return say("who.rule");
  if (kind === "shedding") return say("who.shedding");
  if (id === who.value?.user?.id) return say("who.you");
  return kept.value.find((one) => one.id === id)?.name ?? say(kind === "key" ? "who.program" : "who.somebody");
}

/** Who can be given something to do, and nobody. */
export const choices = (): { value: string | null; label: string }[] => [
  { value: null, label: say("who.nobody") },
  ...kept.value.map(({ id, name }) => ({ value: id, label: name })),
];
