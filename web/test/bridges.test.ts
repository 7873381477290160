import { expect, test } from "vitest";
import { type Bridge, begin, bridge as read, draftOf, toldOf } from "@/bridges/bridges";

const kept: Bridge = read({
  id: "b", name: "Plant", host: "broker.example", port: 8883, tls: true, alpn: null, protocol: 4, client_id: "verger-1", username: "verger",
  filters: ["a/#", "b/+"], rules: [{ topic: "a/{device}", says: "telemetry", device: null, enrolment: null }], enabled: true,
  since: "2026-01-01T00:00:00Z", connected: true, error: null, messages: 1, refused: 0, last_refused: null, told: 0, version: 3,
});

test("a bridge that is opened and saved says again what it is, and nothing of its secrets", () => {
  const told = toldOf(draftOf(kept));
  expect(told).toMatchObject({ name: "Plant", protocol: 4, client_id: "verger-1", filters: ["a/#", "b/+"], rules: kept.rules });
  for (const secret of ["username", "password", "certificate", "key", "ca"]) expect(told).not.toHaveProperty(secret);
});

test("another proof takes the place of the one before", () => {
  const draft = { ...draftOf(kept), proof: "certificate" as const, certificate: "C", key: "K", password: "old" };
  expect(toldOf(draft)).toMatchObject({ username: null, password: null, certificate: "C", key: "K" });
  expect(toldOf({ ...draft, proof: "none" })).toMatchObject({ username: null, password: null, certificate: null, key: null });
});

test("whom to trust is said only when it was chosen", () => {
  expect(toldOf({ ...draftOf(kept), trust: "public" }).ca).toBeNull();
  expect(toldOf({ ...draftOf(kept), trust: "own", ca: "CA" }).ca).toBe("CA");
});

test("an example fills an empty form, and is added behind what is written", () => {
  const draft = draftOf(null);
  begin(draft, "native");
  begin(draft, "gateway");
  expect(toldOf({ ...draft, rules: draft.rules.map((one) => ({ ...one, device: "Box" })) })).toMatchObject({
    filters: ["mill/+/#", "gate/#"],
    rules: [{ topic: "mill/{device}/#", says: "native", device: null }, { topic: "gate/#", says: "native", device: "Box" }],
  });
});

test("devices of a family come in by an enrolment and are named by nobody else; others have none", () => {
  const draft = draftOf(null);
  begin(draft, "family");
  const chosen = draft.rules.map((one) => ({ ...one, device: "Box", enrolment: "e" }));
  expect(toldOf({ ...draft, rules: chosen }).rules).toEqual([{ topic: "site/#", says: "cottage", device: null, enrolment: "e" }]);
  const other = chosen.map((one) => ({ ...one, says: "native" as const }));
  expect(toldOf({ ...draft, rules: other }).rules).toEqual([{ topic: "site/#", says: "native", device: "Box", enrolment: null }]);
});
