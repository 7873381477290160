/** The words that connect a device, ready to be pasted. */
import type { Connect, Device } from "@/devices/devices";

export const ways = ["mosquitto", "curl", "python"] as const;
export type Way = (typeof ways)[number];

const TOPIC = "v1/devices/me/telemetry";
const SAMPLE = '{"temperature": 21.5}';

interface Where {
  readonly host: string;
  readonly port: number;
  readonly http: string;
}

/** Where devices reach the server; the host is the one that this page came from. */
const where = (connect: Connect | null): Where => ({
  host: location.hostname,
  port: connect?.mqtt.port ?? 1883,
  http: location.origin,
});

const lines: Readonly<Record<Way, (where: Where, secret: string) => string>> = {
  mosquitto: ({ host, port }, secret) =>
    [`mosquitto_pub -h ${host}${port === 1883 ? "" : ` -p ${port}`}`, `-u ${secret}`, `-q 1 -t ${TOPIC}`, `-m '${SAMPLE}'`].join(" \\\n  "),
  curl: ({ http }, secret) => [`curl ${http}/api/v1/${secret}/telemetry`, "-H 'Content-Type: application/json'", `-d '${SAMPLE}'`].join(" \\\n  "),
  python: ({ host, port }, secret) =>
    [
      "# pip install paho-mqtt",
      "from paho.mqtt import publish",
      "",
      "publish.single(",
      `    "${TOPIC}",`,
      `    '${SAMPLE}',`,
      "    qos=1,",
      `    hostname="${host}",`,
      ...(port === 1883 ? [] : [`    port=${port},`]),
      `    auth={"username": "${secret}"},`,
      ")",
    ].join("\n"),
};

export const lineFor = (way: Way, connect: Connect | null, secret: string): string => lines[way](where(connect), secret);

/** Address and secret as one, for a device with a camera. */
export const address = (connect: Connect | null, secret: string): string => {
  const { host, port } = where(connect);
  return `mqtt://${secret}@${host}:${port}`;
};

const KEY = "ENROLMENT_KEY";
const families = ["cottage", "ozone", "plant", "outlet", "farm"] as const;
export type Family = (typeof families)[number];
/** What is to be set up in a device of a family. */
export type Part = "server" | "user" | "topic" | "older" | "address" | "base" | "id" | "secret" | "url";
type Lines = readonly (readonly [Part, string])[];

/** The family of a device that was built for another server; null for all others. */
export const familyOf = ({ dialect }: Pick<Device, "dialect">): Family | null => families.find((one) => one === dialect) ?? null;

/** The topic that a device of a farm tells its values to; its address is farm and id, its id alone, or a topic. */
function telemetry(address: string): string {
  if (address.split("/").length > 2) return address;
  const [device = address, farm = "FARM"] = address.split("/").reverse();
  return `farm/${farm}/room/ROOM/device/${device}/telemetry`;
}

/** What to write into the settings of a device of a family, in the words of that; without a fresh secret a placeholder. */
export function familyLines(device: Pick<Device, "dialect" | "address" | "id" | "connect">, secret: string | null): Lines {
  const { host, port, http } = where(device.connect);
  const address = device.address ?? device.id;
  const mqtt: Lines = [["server", `${host}:${port}`], ["user", secret ?? KEY]];
  switch (familyOf(device)) {
    case "cottage":
      return [...mqtt, ["topic", "sensors/data"], ["older", `${http}/t/${KEY}/`]];
    case "ozone":
      return [...mqtt, ["topic", `telemetry/status/${address}`], ["address", `${http}/t/${KEY}/`]];
    case "plant":
      return [["base", `${http}/compat/plant`], ["id", address], ...(secret === null ? [] : [["secret", secret] as const])];
    case "outlet":
      return [["url", `${http}/t/${KEY}`], ["id", address.replace(/^CCU-/i, "")]];
    case "farm":
      return [...mqtt, ["topic", telemetry(address)]];
    case null:
      return [];
  }
}
