/** The words that connect a device, ready to be pasted. */
import type { Connect } from "@/devices/devices";

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
