import { afterEach, expect, test, vi } from "vitest";
import { Trouble, all, at, get, patch, post, whenSignedOut } from "@/base/ask";
import { number, page, shape, text } from "@/base/shape";

interface Asked {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly method: string;
}

/** Let the server answer these, one after the other; `null` is a server that is not reached. */
function serverAnswers(...answers: ([status: number, said: unknown] | null)[]): Asked[] {
  const asked: Asked[] = [];
  vi.stubGlobal("fetch", (url: string, { method = "GET", headers }: RequestInit) => {
    asked.push({ url, method, headers: headers as Record<string, string> });
    const answer = answers.shift() ?? null;
    return answer === null ? Promise.reject(new TypeError("unreachable")) : Promise.resolve(new Response(JSON.stringify(answer[1]), { status: answer[0] }));
  });
  return asked;
}
const troubleOf = (asking: Promise<unknown>): Promise<Trouble> => asking.then(() => expect.unreachable(), (error: unknown) => error as Trouble);
afterEach(() => vi.unstubAllGlobals());

test("a refusal is told in the server's own words, field by field", async () => {
  serverAnswers([422, { title: "Invalid", status: 422, detail: "Give the place a name.", errors: [{ field: "name", message: "1 to 200 characters." }] }]);
  const trouble = await troubleOf(post("/places", text));
  expect([trouble.status, trouble.message, trouble.of("name"), trouble.of("kind")]).toEqual([422, "Give the place a name.", "1 to 200 characters.", null]);
});

test("an answer of another shape is told by its field, not shown", async () => {
  serverAnswers([200, { name: 3 }]);
  expect((await troubleOf(get("/me", shape({ name: text })))).message).toContain("$.name should be text, but is 3");
});

test("a server that is not reached is told as such", async () => {
  serverAnswers(null);
  expect((await troubleOf(get("/me", text))).status).toBe(0);
});

test("a POST whose answer was lost is repeated under its first key, a new one has a new key", async () => {
  const asked = serverAnswers(null, [201, "made"], [201, "made"]);
  await troubleOf(post("/places", text, { name: "Hall" }));
  await post("/places", text, { name: "Hall" });
  await post("/places", text, { name: "Hall" });
  const keys = asked.map(({ headers }) => headers["Idempotency-Key"]);
  expect([keys[0] === keys[1], keys[1] === keys[2]]).toEqual([true, false]);
});

test("a change names the version that was read", async () => {
  const asked = serverAnswers([200, "changed"]);
  await patch("/places/p", text, {}, 4);
  expect(asked[0]?.headers["If-Match"]).toBe('"4"');
});

test("a list is read page after page", async () => {
  const asked = serverAnswers([200, { items: [1, 2], next: "c" }], [200, { items: [3], next: null }]);
  expect(await all("/n", page(number), { q: "x" })).toEqual([1, 2, 3]);
  expect(asked.map(({ url }) => url)).toEqual(["/api/v1/n?q=x&limit=500", "/api/v1/n?q=x&limit=500&cursor=c"]);
});

test("who is no longer known is led to sign in; a wrong password is not", async () => {
  const signedOut = vi.fn();
  whenSignedOut(signedOut);
  serverAnswers([401, { detail: "Wrong." }], [401, { detail: "Sign in." }]);
  await troubleOf(post("/auth/login", text));
  expect(signedOut).not.toHaveBeenCalled();
  await troubleOf(get("/places", text));
  expect(signedOut).toHaveBeenCalledOnce();
});

test("what stands in a path cannot leave it", () => {
  expect(at`/places/${"../me"}`).toBe("/places/..%2Fme");
});
