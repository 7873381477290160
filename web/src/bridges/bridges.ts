/** Bridges: other people's brokers that are listened at, how each stands, and what a person says of one. */
import { type Described, all, at, patch, post, remove } from "@/base/ask";
import { type Checked, flag, list, maybe, number, oneOf, page, shape, text, time } from "@/base/shape";

const families = ["cottage", "farm", "ozone"] as const;
export const kinds = ["telemetry", "attributes", "events", "native", ...families] as const;
export type Says = (typeof kinds)[number];
/** Whether devices say it that name themselves, and come in by an enrolment. */
export const isOfFamily = (says: Says): says is (typeof families)[number] => families.some((one) => one === says);
const rule = shape({ topic: text, says: oneOf(...kinds), device: maybe(text), enrolment: maybe(text) });
export const bridge = shape({
  id: text,
  name: text,
  host: text,
  port: number,
  tls: flag,
  alpn: maybe(text),
  protocol: number,
  client_id: text,
  username: maybe(text),
  filters: list(text),
  rules: list(rule),
  enabled: flag,
  since: time,
  connected: flag,
  error: maybe(text),
  messages: number,
  refused: number,
  last_refused: maybe(text),
  told: number,
  version: number,
});
export const bridges = page(bridge);
export type Bridge = Checked<typeof bridge>;
export type Rule = Checked<typeof rule>;

/** How we prove who we are, and whom we trust; “kept” is whatever it was, for it is never shown. */
export const proofs = ["kept", "none", "password", "certificate"] as const;
export const trusts = ["kept", "public", "own"] as const;

export interface DraftRule {
  topic: string;
  says: Says;
  device: string;
  enrolment: string;
}
export const blankRule = (): DraftRule => ({ topic: "", says: "telemetry", device: "", enrolment: "" });

/** A bridge as the form holds it: secrets begin empty, topics stand one a line. */
export interface Draft {
  name: string;
  host: string;
  port: number;
  protocol: "4" | "5";
  tls: boolean;
  alpn: string;
  client_id: string;
  proof: (typeof proofs)[number];
  username: string;
  password: string;
  certificate: string;
  key: string;
  trust: (typeof trusts)[number];
  ca: string;
  filters: string;
  rules: DraftRule[];
}

export const plainPort = 1883;
export const tlsPort = 8883;

const blank = (): Draft => ({
  name: "",
  host: "",
  port: tlsPort,
  protocol: "5",
  tls: true,
  alpn: "",
  client_id: "",
  proof: "password",
  username: "",
  password: "",
  certificate: "",
  key: "",
  trust: "public",
  ca: "",
  filters: "",
  rules: [blankRule()],
});

/** A bridge to be changed as a draft, or an empty one. */
export const draftOf = (before: Bridge | null): Draft =>
  before === null ? blank() : {
    ...blank(),
    name: before.name,
    host: before.host,
    port: before.port,
    protocol: before.protocol === 4 ? "4" : "5",
    tls: before.tls,
    alpn: before.alpn ?? "",
    client_id: before.client_id,
    proof: "kept",
    username: before.username ?? "",
    trust: "kept",
    filters: before.filters.join("\n"),
    rules: before.rules.map(({ topic, says, device, enrolment }) => ({ topic, says, device: device ?? "", enrolment: enrolment ?? "" })),
  };

type Proof = Pick<Described["BridgeChange"], "username" | "password" | "certificate" | "key">;

/** What is said of who we are: nothing where it is to stay, and null for what another proof takes the place of. */
function proven({ proof, username, password, certificate, key }: Draft): Proof {
  if (proof === "kept") return {};
  const none = { username: null, password: null, certificate: null, key: null };
  if (proof === "password") return { ...none, username: username.trim() || null, password: password || null };
  return proof === "certificate" ? { ...none, certificate, key } : none;
}

export const devicePart = "{device}";
export const namesDevice = (topic: string): boolean => topic.split("/").includes(devicePart);
const filled = (written: string): string | null => written.trim() || null;

/** A rule in the words of the API: whose words it reads stands in the topic, in `device` or in `enrolment`. */
const toldRule = ({ topic, says, device, enrolment }: DraftRule): Rule => ({
  topic: topic.trim(),
  says,
  device: isOfFamily(says) || namesDevice(topic) ? null : filled(device),
  enrolment: isOfFamily(says) ? filled(enrolment) : null,
});

/** What adding and changing both take. */
type Told = Described["NewBridge"] & Described["BridgeChange"];

/** A draft in the words of the API. */
export const toldOf = (draft: Draft): Told => ({
  name: draft.name.trim(),
  host: draft.host.trim(),
  port: draft.port,
  protocol: draft.protocol === "4" ? 4 : 5,
  tls: draft.tls,
  alpn: filled(draft.alpn),
  ...(filled(draft.client_id) === null ? {} : { client_id: draft.client_id.trim() }),
  ...proven(draft),
  ...(draft.trust === "kept" ? {} : { ca: draft.trust === "own" ? draft.ca : null }),
  filters: draft.filters.split("\n").map((line) => line.trim()).filter(Boolean),
  rules: draft.rules.map(toldRule),
});

/** Ways to name a device by a topic, to begin with: what to hear, and how to read it. */
export const examples = {
  named: { filter: "plant/+/telemetry", topic: "plant/{device}/telemetry", says: "telemetry" },
  native: { filter: "mill/+/#", topic: "mill/{device}/#", says: "native" },
  gateway: { filter: "gate/#", topic: "gate/#", says: "native" },
  family: { filter: "site/#", topic: "site/#", says: "cottage" },
} as const;
export type Example = keyof typeof examples;

/** Put an example into a draft: in place of what is empty, else after what is there. */
export function begin(draft: Draft, example: Example): void {
  const { filter, topic, says } = examples[example];
  const heard = draft.filters.split("\n").filter((line) => line.trim() !== "" && line.trim() !== filter);
  draft.filters = [...heard, filter].join("\n");
  draft.rules = [...draft.rules.filter((one) => one.topic.trim() !== ""), { ...blankRule(), topic, says }];
}

export const everyBridge = (): Promise<Bridge[]> => all("/bridges", bridges);
export const add = (draft: Draft): Promise<Bridge> => post("/bridges", bridge, toldOf(draft));
export const change = ({ id, version }: Bridge, said: Described["BridgeChange"]): Promise<Bridge> => patch(at`/bridges/${id}`, bridge, said, version);
export const erase = async (id: string): Promise<void> => {
  await remove(at`/bridges/${id}`);
};
