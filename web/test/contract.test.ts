import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { Described } from "@/base/ask";
import { alerts, comments } from "@/alerts/alerts";
import { backup, backups, plan } from "@/backups/backups";
import { blueprint, blueprints, furnished, laid, laids } from "@/blueprints/blueprints";
import { bridge, bridges } from "@/bridges/bridges";
import { type Check, type Checked, list, shape } from "@/base/shape";
import { survey } from "@/counts/counts";
import { measures } from "@/counts/measures";
import { cycles, happenings } from "@/cycles/cycles";
import { deed, deeds } from "@/deeds/deeds";
import { derived } from "@/derived/derived";
import { created, device, devices, latest, remark, remarks } from "@/devices/devices";
import { changes } from "@/devices/wishes";
import { event, events } from "@/events/events";
import { exported } from "@/exports/exports";
import { history, placeHistory } from "@/history/history";
import { report, upload } from "@/imports/imports";
import { job } from "@/jobs/jobs";
import { apiKey, apiKeys, createdKey } from "@/keys/keys";
import { limits } from "@/limits/limits";
import { hear } from "@/live/told";
import { overview } from "@/overview/overview";
import { place, places } from "@/places/places";
import { rule, run } from "@/rules/rules";
import { members } from "@/session/members";
import { signing } from "@/rules/signing";
import { me, setUpState } from "@/session/session";
import { code, enrolments, opened, strangers } from "@/strangers/strangers";
import { system } from "@/system/system";
import { tasks } from "@/tasks/tasks";

const folder = new URL("../../tests/contract/", import.meta.url);
const answers: Readonly<Record<string, Check<unknown>>> = {
  "alert_comments.json": comments,
  "alerts.json": alerts,
  "attribute_history.json": changes,
  "api_keys.json": shape({ made: list(createdKey), listed: apiKeys }),
  "backup_plan.json": plan,
  "backups.json": backups,
  "blueprints.json": blueprints,
  "bridges.json": bridges,
  "cycle_events.json": happenings,
  "cycles.json": cycles,
  "deeds.json": deeds,
  "device.json": device,
  "device_created.json": created,
  "device_log.json": remarks,
  "devices.json": devices,
  "enrolments.json": shape({ made: opened, listed: enrolments, waiting: strangers, code }),
  "event_counts.json": survey,
  "events.json": events,
  "history_buckets.json": history,
  "history_raw.json": history,
  "limits.json": limits,
  "job_exported.json": shape({ job, file: exported }),
  "job_imported.json": shape({ upload, report }),
  "latest.json": latest,
  "live.json": hear,
  "me.json": me,
  "measures.json": measures,
  "members.json": members,
  "overview.json": overview,
  "place.json": place,
  "place_blueprints.json": laids,
  "place_history.json": placeHistory,
  "places.json": places,
  "setup.json": setUpState,
  "signing.json": signing,
  "system.json": system,
  "tasks.json": tasks,
};
const recorded = Object.entries(answers).filter(([name]) => existsSync(new URL(name, folder)));

test.each(recorded)("the server's %s has the shape that we read", (name, check) => {
  const answer: unknown = JSON.parse(readFileSync(new URL(name, folder), "utf8"));
  expect(() => check(answer)).not.toThrow();
});

// The names that our shapes read are names that the server's description knows: a renamed field is found before anything runs.
type Strangers<C, D> = Exclude<keyof Checked<C>, keyof D>;
type Known<C, D> = [Strangers<C, D>] extends [never] ? "known" : Strangers<C, D>;
const described: [
  Known<typeof me, Described["Me"]>,
  Known<typeof place, Described["Place"]>,
  Known<typeof device, Described["Device"]>,
  Known<typeof created, Described["Added"]>,
  Known<typeof remark, Described["Remark"]>,
  Known<typeof event, Described["Happened"]>,
  Known<typeof apiKey, Described["ApiKey"]>,
  Known<typeof createdKey, Described["ShownKey"]>,
  Known<typeof survey, Described["Survey"]>,
  Known<typeof signing, Described["Signing"]>,
  Known<typeof overview, Described["Today"]>,
  Known<typeof setUpState, Described["FirstRunState"]>,
  Known<typeof backup, Described["Backup"]>,
  Known<typeof plan, Described["Plan"]>,
  Known<typeof blueprint, Described["Outline"]>,
  Known<typeof laid, Described["Laid"]>,
  Known<typeof furnished, Described["Furnished"]>,
  Known<typeof bridge, Described["ShownBridge"]>,
  Known<typeof upload, Described["Upload"]>,
  Known<typeof deed, Described["Deed"]>,
  Known<typeof derived, Described["Derived"]>,
  Known<typeof rule, Described["KeptRule"]>,
  Known<typeof run, Described["Run"]>,
] = ["known", "known", "known", "known", "known", "known", "known", "known", "known", "known", "known", "known", "known", "known", "known", "known", "known", "known", "known", "known", "known", "known", "known"];

test("every name that we read stands in the server's description", () => {
  expect(new Set(described)).toEqual(new Set(["known"]));
});
