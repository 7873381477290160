import { expect, test } from "vitest";
import { greeting } from "@/overview/greeting";
import { type Overview, type PlaceState, lines, needs } from "@/overview/overview";

const place = (id: string, more: Partial<PlaceState> = {}): PlaceState => ({
  id, name: id, kind: "room", parent: null, timezone: "UTC", state: "good", because: null, devices: 1, online: 1, headline: [], ...more,
});
const silent = (name: string, where: string, lastSeen: number | null = 1000): Overview["silent"][number] => ({ device: name, name, place: where, last_seen: lastSeen, silent_since: lastSeen === null ? null : lastSeen + 60 });
const day = (more: Partial<Overview> = {}): Overview => ({ places: [place("Hall")], silent: [], devices: 3, online: 3, notices: [], ...more });
const greeted = (overview: Overview): string[] => Object.values(greeting(overview, needs(overview)));

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
  expect(needs(overview)[0]).toMatchObject({ state: "waiting", to: "/devices/Pi" });
});

test("an empty house is told the next step", () => {
  expect(greeted(day({ places: [] }))[0]).toBe("Nothing to look after yet");
  expect(greeted(day({ devices: 0, online: 0 }))[0]).toBe("Ready for the first device");
});

test("a place whose trouble its silent device explains is not told twice", () => {
  const cold = place("Cottage", { state: "attention", because: "Cold in the hall" });
  const quiet = place("Kitchen", { state: "attention", because: "Pi is silent" });
  expect(needs(day({ places: [cold, quiet], silent: [silent("Pi", "Kitchen")] })).map(({ key }) => key)).toEqual(["Cottage", "Pi"]);
});

test("places have a line each, in the order of their tree", () => {
  const paths: Readonly<Record<string, string[]>> = { two: ["Farm", "Room 2"], attic: ["Attic"], one: ["Farm", "Room 1"] };
  const inOrder = lines(["two", "attic", "one"].map((id) => place(id)), (id) => paths[id] ?? []);
  expect(inOrder.map(({ path }) => path.join(" · "))).toEqual(["Attic", "Farm · Room 1", "Farm · Room 2"]);
});
