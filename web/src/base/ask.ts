/** The one door to the server: asks under /api/v1, checks the answer's shape, turns a refusal into Trouble. */
import type { components } from "@/base/schema";
import { say } from "@/base/words";
import { type Check, Unexpected, list, maybe, orElse, shape, text } from "@/base/shape";

const problem = shape({
  title: orElse(text, ""),
  detail: maybe(text),
  errors: orElse(list(shape({ field: text, message: text })), []),
});

/** What the API takes and gives, by name, as the server describes it. */
export type Described = components["schemas"];

/** Why the server did not do as asked; `message` is a sentence for a person, `status` 0 when it was not reached. */
export class Trouble extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly errors: readonly { field: string; message: string }[] = [],
  ) {
    super(message);
  }

  /** What was wrong with one field, if anything. */
  of(field: string): string | null {
    return this.errors.find((error) => error.field === field)?.message ?? null;
  }
}

type Query = Readonly<Record<string, string | number | readonly string[] | null | undefined>>;
interface Extra {
  readonly body?: unknown;
  readonly query?: Query;
  readonly headers?: Readonly<Record<string, string>>;
}

let onSignedOut = (): void => undefined;

/** Say what is to happen when the server no longer knows who is asking. */
export const whenSignedOut = (act: () => void): void => {
  onSignedOut = act;
};

/** Nobody is signed in any more, as was found out by other means than asking. */
export const signedOut = (): void => onSignedOut();

/** A path with each hole encoded: at`/places/${id}`. */
export const at = (parts: TemplateStringsArray, ...holes: readonly string[]): string =>
  String.raw({ raw: parts }, ...holes.map(encodeURIComponent));

export const get = <T>(path: string, check: Check<T>, query: Query = {}, headers: Readonly<Record<string, string>> = {}): Promise<T> =>
  ask("GET", path, check, { query, headers });

/** Make something, once: a POST whose answer was lost is repeated under the key it first had. */
export async function post<T>(path: string, check: Check<T>, body: unknown = {}): Promise<T> {
  const intention = `${path} ${JSON.stringify(body)}`;
  const key = unanswered.get(intention) ?? newKey();
  unanswered.set(intention, key);
  try {
    const made = await ask("POST", path, check, { body, headers: { "Idempotency-Key": key } });
    unanswered.delete(intention);
    return made;
  } catch (error) {
    const lost = error instanceof Trouble && (error.status === 0 || error.status >= 500);
    if (!lost) unanswered.delete(intention);
    throw error;
  }
}
const unanswered = new Map<string, string>();

/** Change a resource, but only if it still is the version that was read. */
export const patch = <T>(path: string, check: Check<T>, body: unknown, version: number | null): Promise<T> =>
  ask("PATCH", path, check, {
    body,
    headers: { "Content-Type": "application/merge-patch+json", ...(version === null ? {} : { "If-Match": `"${version}"` }) },
  });

/** A file on its way; `arrived` is null when it was stopped. */
export interface Bringing<T> {
  readonly arrived: Promise<T | null>;
  readonly stop: () => void;
}

/** Bring a file as the body, and tell how many of its bytes have left: what only XMLHttpRequest knows. */
export function bring<T>(path: string, check: Check<T>, file: Blob, type: string, onWay: (bytes: number) => void): Bringing<T> {
  const request = new XMLHttpRequest();
  const answer = new Promise<Response | null>((resolve, reject) => {
    request.upload.addEventListener("progress", ({ loaded }) => onWay(loaded));
    request.addEventListener("load", () => resolve(new Response(request.responseText, { status: request.status })));
    request.addEventListener("error", () => reject(new Trouble(0, say("trouble.unreachable"))));
    request.addEventListener("abort", () => resolve(null));
  });
  request.open("POST", `/api/v1${path}`);
  request.setRequestHeader("Accept", "application/json");
  request.setRequestHeader("Content-Type", type);
  request.send(file);
  return { arrived: answer.then((came) => (came === null ? null : understood(path, check, came))), stop: () => request.abort() };
}

export const remove = (path: string, query: Query = {}): Promise<unknown> => ask("DELETE", path, (value) => value, { query });

/** Every item of a list, page after page. */
export async function all<T>(path: string, check: Check<{ items: T[]; next: string | null }>, query: Query = {}): Promise<T[]> {
  const found: T[] = [];
  let cursor: string | null = null;
  do {
    const page: { items: T[]; next: string | null } = await get(path, check, { ...query, limit: 500, cursor });
    found.push(...page.items);
    cursor = page.next;
  } while (cursor !== null);
  return found;
}

/** A key for one intention; `crypto.randomUUID` is missing on plain http in a home network. */
const newKey = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

/** Where a browser fetches something by itself, such as a file. */
export const address = (path: string, query: Query = {}): string => `/api/v1${path}${search(query)}`;

async function ask<T>(method: string, path: string, check: Check<T>, { body, query, headers }: Extra): Promise<T> {
  const answer = await reach(address(path, query), {
    method,
    credentials: "same-origin",
    headers: { Accept: "application/json", ...(body === undefined ? {} : { "Content-Type": "application/json" }), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return understood(path, check, answer);
}

async function understood<T>(path: string, check: Check<T>, answer: Response): Promise<T> {
  const said = await read(answer);
  if (!answer.ok) {
    if (answer.status === 401 && !path.startsWith("/auth/") && path !== "/me") onSignedOut();
    throw refusal(answer.status, said);
  }
  try {
    return check(said);
  } catch (error) {
    if (!(error instanceof Unexpected)) throw error;
    throw new Trouble(answer.status, say("trouble.unexpected", { path, what: error.message }));
  }
}

/** The server's readiness, outside /api/v1: each check and what it says. */
export async function ready<T>(check: Check<T>): Promise<T> {
  return check(await read(await reach("/ready", { headers: { Accept: "application/json" } })));
}

async function reach(url: string, asked: RequestInit): Promise<Response> {
  try {
    return await fetch(url, asked);
  } catch {
    throw new Trouble(0, say("trouble.unreachable"));
  }
}

async function read(answer: Response): Promise<unknown> {
  const body = await answer.text();
  try {
    return body === "" ? null : (JSON.parse(body) as unknown);
  } catch {
    return null;
  }
}

function refusal(status: number, said: unknown): Trouble {
  try {
    const { title, detail, errors } = problem(said);
    return new Trouble(status, detail ?? (title === "" ? say("trouble.status", { status }) : title), errors);
  } catch {
    return new Trouble(status, say("trouble.status", { status }));
  }
}

function search(query: Query = {}): string {
  const words = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? (value as readonly string[]) : [value as string | number | null | undefined]) {
      if (one !== null && one !== undefined) words.append(name, String(one));
    }
  }
  const written = words.toString();
  return written === "" ? "" : `?${written}`;
}
