import { expect, test } from "vitest";
import { type Alert, alert as readAlert } from "@/alerts/alerts";
import { greeting } from "@/overview/greeting";
import { type Calls, type Need, type Overview, type PlaceState, alerted, lines, needs } from "@/overview/overview";
import { type Task, task as readTask } from "@/tasks/tasks";

const place = (id: string, more: Partial<PlaceState> = {}): PlaceState => ({
  id, name: id, kind: "room", parent: null, timezone: "UTC", state: "good", because: null, devices: 1, online: 1, headline: [], ...more,
});
const silent = (name: string, where: string, lastSeen: number | null = 1000): Overview["silent"][number] => ({ device: name, name, place: where, last_seen: lastSeen, silent_since: lastSeen === null ? null : lastSeen + 60 });
const day = (more: Partial<Overview> = {}): Overview => ({ places: [place("Hall")], silent: [], devices: 3, online: 3, notices: [], ...more });
const NOW = Date.parse("2026-06-01T12:00:00Z");
const needed = (overview: Overview, calls: Partial<Calls> = {}): Need[] => needs(overview, { alerts: [], tasks: [], ...calls }, "me", NOW);
const alert = (id: string, more: Partial<Alert> = {}): Alert => ({
  ...readAlert({ id, rule: "r", severity: "warning", state: "active", message: id, opened_at: NOW, last_at: NOW, count: 1, version: 1 }), ...more,
});
const task = (id: string, more: Partial<Task> = {}): Task => ({
  ...readTask({ id, title: id, priority: "normal", state: "open", made_by: "user:me", created_at: NOW, due: NOW, version: 1 }), ...more,
});
const greeted = (overview: Overview): string[] => Object.values(greeting(overview, needed(overview)));

test("when nothing is wrong the page says so", () => {
  expect(greeted(day())).toEqual(["All is well", "3 devices speaking."]);
});

test("a silent device needs somebody, and is counted in words", () => {
  const overview = day({ silent: [silent("Pi", "Hall"), silent("Lamp", "Hall")], online: 1 });
  expect(greeted(overview)).toEqual(["Two things need you", "Everything else is as it should be. 1 device speaking, 2 silent."]);
});

test("a device that never spoke waits, and is no trouble", () => {
  const overview = day({ silent: [silent("Pi", "Hall", null)], devices: 1, online: 0 });
  expect(greeted(overview)).toEqual(["Waiting for the first value", "1 device is ready to speak."]);
  expect(needed(overview)[0]).toMatchObject({ state: "waiting", to: "/devices/Pi" });
});

test("an empty house is told the next step", () => {
  expect(greeted(day({ places: [] }))[0]).toBe("Nothing to look after yet");
  expect(greeted(day({ devices: 0, online: 0 }))[0]).toBe("Ready for the first device");
});

test("a place whose trouble its silent device explains is not told twice", () => {
  const cold = place("Cottage", { state: "attention", because: "Cold in the hall" });
  const quiet = place("Kitchen", { state: "attention", because: "Pi is silent" });
  expect(needed(day({ places: [cold, quiet], silent: [silent("Pi", "Kitchen")] })).map(({ key }) => key)).toEqual(["Cottage", "Pi"]);
});

test("what is worst comes first, and what somebody has taken note of or another is to do does not call", () => {
  const calls = {
    alerts: [alert("warm"), alert("fire", { severity: "critical" }), alert("noted", { state: "acknowledged", severity: "critical" })],
    tasks: [task("water"), task("next week", { due: NOW + 7 * 86_400_000 }), task("hers", { assignee: "her" }), task("mine", { assignee: "me" })],
  };
  const found = needed(day({ silent: [silent("New", "Hall", null)] }), calls);
  expect(found.map(({ key, state }) => `${key} ${state}`)).toEqual(["fire urgent", "warm attention", "water due", "mine due", "New waiting"]);
});

test("a silent device that has an alert is not told twice", () => {
  const alerts = [alert("quiet", { device: "Pi", place: "Hall", rule: "silence" })];
  expect(needed(day({ silent: [silent("Pi", "Hall")] }), { alerts }).map(({ key }) => key)).toEqual(["quiet"]);
});

test("places have a line each, in the order of their tree", () => {
  const paths: Readonly<Record<string, string[]>> = { two: ["Farm", "Room 2"], attic: ["Attic"], one: ["Farm", "Room 1"] };
  const inOrder = lines(["two", "attic", "one"].map((id) => place(id)), (id) => paths[id] ?? []);
  expect(inOrder.map(({ path }) => path.join(" · "))).toEqual(["Attic", "Farm · Room 1", "Farm · Room 2"]);
});

test("a place is not all right while an alert holds there that nobody has noted", () => {
  const told = [alert("low", { place: "Hall" }), alert("frost", { place: "Hall", severity: "critical" }), alert("fyi", { place: "Shed", severity: "info" }), alert("seen", { place: "Attic", state: "acknowledged" })];
  expect(alerted(place("Hall"), told)).toMatchObject({ state: "urgent", because: "frost" });
  expect(alerted(place("Hall"), told.slice(0, 1))).toMatchObject({ state: "attention", because: "low" });
  for (const calm of ["Shed", "Attic", "Loft"]) expect(alerted(place(calm), told).state).toBe("good");
});
