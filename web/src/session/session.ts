/** Who is asking: set-up, sign-in, sign-out, and what the caller's role allows. */
import { type Ref, computed, shallowReadonly, shallowRef } from "vue";
import { type Described, Trouble, get, patch, post } from "@/base/ask";
import { type Checked, anything, flag, list, maybe, number, oneOf, orElse, shape, text } from "@/base/shape";

export const roles = ["viewer", "member", "manager", "owner"] as const;
export type Role = (typeof roles)[number];
const role = oneOf(...roles);
const user = shape({ id: text, name: text, email: text, version: maybe(number) });
const membership = shape({ id: text, name: text, timezone: orElse(text, "UTC"), role: orElse(role, "viewer") });
/** The caller; `user` is null for an API key, `tenant` is the one of `tenants` that is asked in. */
export const me = shape({
  user: maybe(user),
  tenants: list(membership),
  tenant: shape({ id: text, name: text, timezone: orElse(text, "UTC") }),
  role,
  permissions: list(text),
});
export const setUpState = shape({ needed: flag, code_needed: flag });

export type Me = Checked<typeof me>;
export type SetUpState = Checked<typeof setUpState>;
export interface Owner {
  readonly tenant: string;
  readonly name: string;
  readonly email: string;
  readonly password: string;
  readonly timezone: string;
  readonly code?: string;
}

const known = shallowRef<Me | null>(null);
export const who: Readonly<Ref<Me | null>> = shallowReadonly(known);
export const tenant = computed(() => known.value?.tenant ?? null);

/** Whether the caller's role allows it, such as `places:write`. */
export const may = (permission: string): boolean => known.value?.permissions.includes(permission) ?? false;

/** Ask the server who we are; null when it does not know us. */
export async function recall(): Promise<Me | null> {
  try {
    known.value = await get("/me", me);
  } catch (error) {
    if (!(error instanceof Trouble && error.status === 401)) throw error;
    known.value = null;
  }
  return known.value;
}

export const forget = (): void => {
  known.value = null;
};

export const askSetUp = (): Promise<SetUpState> => get("/setup", setUpState);

export async function setUp(owner: Owner): Promise<void> {
  await post("/setup", anything, owner satisfies Described["SetUp"]);
  await recall();
}

export async function signIn(email: string, password: string): Promise<void> {
  await post("/auth/login", anything, { email, password } satisfies Described["Credentials"]);
  await recall();
}

/** Change my name, or my password, which ends my other sessions. */
export async function changeMe(said: Described["AboutMe"]): Promise<void> {
  await patch("/me", anything, said, known.value?.user?.version ?? null);
  await recall();
}

const WENT = "verger.went";

/** Act in another of my organisations from now on, on all pages of this browser; the session remembers it. */
export async function goTo(organisation: string): Promise<void> {
  await get("/me", me, {}, { "Verger-Tenant": organisation });
  localStorage.setItem(WENT, `${organisation} ${Date.now()}`);
}

/** All tabs act in one organisation: do this when another was chosen elsewhere. */
export const whenGoneElsewhere = (act: () => void): void => {
  addEventListener("storage", (changed) => {
    if (changed.key === WENT) act();
  });
};

const SIGNED_OUT = "verger.signed-out";

export async function signOut(): Promise<void> {
  await post("/auth/logout", anything);
  forget();
  localStorage.setItem(SIGNED_OUT, String(Date.now()));
}

/** All tabs share one session: do this when it was ended in another. */
export const whenSignedOutElsewhere = (act: () => void): void => {
  addEventListener("storage", (changed) => {
    if (changed.key === SIGNED_OUT) act();
  });
};
