/** UCUM codes as people write them, and metric keys as people say them. */

const shown: Readonly<Record<string, string>> = {
  Cel: "°C", "[degF]": "°F", K: "K", "[ppm]": "ppm", "[ppb]": "ppb", "%": "%", "1": "",
  lx: "lx", hPa: "hPa", Pa: "Pa", kPa: "kPa", bar: "bar", mbar: "mbar", "m[H2O]": "mH₂O",
  V: "V", mV: "mV", A: "A", mA: "mA", W: "W", kW: "kW", "W.h": "Wh", "kW.h": "kWh", "V.A": "VA", Hz: "Hz", Ohm: "Ω",
  s: "s", min: "min", h: "h", d: "d", ms: "ms", a: "y", "m/s": "m/s", "km/h": "km/h", deg: "°",
  m: "m", cm: "cm", mm: "mm", km: "km", m2: "m²", m3: "m³", L: "L", l: "l", mL: "ml", ml: "ml",
  "L/min": "L/min", "l/min": "l/min", "m3/h": "m³/h", "mm/h": "mm/h",
  g: "g", kg: "kg", mg: "mg", t: "t", "ug/m3": "µg/m³", "mg/m3": "mg/m³", "mg/L": "mg/L", "g/m3": "g/m³",
  "dB[mW]": "dBm", "dB[SPL]": "dB", dB: "dB", "[pH]": "pH", "uS/cm": "µS/cm", "mS/cm": "mS/cm", "umol/m2/s": "µmol/m²/s",
  By: "B", kBy: "kB", KiBy: "KiB", MBy: "MB", MiBy: "MiB", "/min": "/min", "/h": "/h", "/s": "/s",
};

/** A unit as it is shown; braces are UCUM's remarks, and none means none. */
export const unitShown = (code: string | null): string => {
  if (code === null || code === "") return "";
  return shown[code] ?? code.replace(/\{(\w*)\}/g, "$1").replace(/^\[(.+)\]$/, "$1").replaceAll(".", "·");
};

const spelled: Readonly<Record<string, string>> = {
  co2: "CO₂", tvoc: "TVOC", voc: "VOC", ph: "pH", ec: "EC", rssi: "RSSI", snr: "SNR", o3: "O₃", co: "CO", no2: "NO₂",
  pm1: "PM1", pm25: "PM2.5", pm10: "PM10", uv: "UV", par: "PAR", cpu: "CPU", ram: "RAM", ip: "IP", id: "ID", vpd: "VPD", led: "LED", dbm: "dBm",
};

/** A metric key as people say it: `soilMoisture_2` becomes “Soil moisture 2”. */
export const metricShown = (key: string, name = ""): string => {
  if (name !== "") return name;
  const shouted = /^[A-Z]{3,}(_[A-Z]{3,})+$/.test(key); // as some families write what a device can be asked
  const words = key
    .replace(/([a-z])([A-Z])/g, "$1 $2")
    .split(/[_\-.\s/]+/)
    .filter((word) => word !== "")
    .map((word) => spelled[word.toLowerCase()] ?? (!shouted && /^[A-Z0-9]+$/.test(word) ? word : word.toLowerCase()));
  const sentence = words.join(" ");
  return sentence === "" ? key : sentence.charAt(0).toUpperCase() + sentence.slice(1);
};

const technical = /batter|rssi|snr|signal|lqi|uptime|firmware|version|error|free|wifi/i;

/** Orders metrics as people care for them: what is measured first, how the device itself does last; else as they came. */
export const byInterest = (one: string, other: string): number => Number(technical.test(one)) - Number(technical.test(other));

const twins: readonly string[] = ["1", "l", "ml", "l/min", "dB[SPL]"]; // read, but not offered: none, or looks like another
/** Every unit that can be chosen, the usual ones first. */
export const unitCodes: readonly string[] = Object.keys(shown).filter((code) => !twins.includes(code));

const suffixes: Readonly<Record<string, string>> = { s: "s", ms: "ms", min: "min", h: "h", dbm: "dBm", v: "V", ma: "mA", pct: "%", percent: "%", c: "°C" };

/** A named fact as people say it, its unit taken from its name: `duration_s` 300 becomes “Duration”, “300 s”. */
export function factShown(key: string, value: unknown): { readonly name: string; readonly value: string } {
  const [, stem, suffix] = /^(.+)_([a-z]+)$/.exec(key) ?? [];
  const unit = typeof value === "number" && suffix !== undefined ? suffixes[suffix] : undefined;
  const written = typeof value === "string" ? value : JSON.stringify(value);
  return unit === undefined || stem === undefined ? { name: metricShown(key), value: written } : { name: metricShown(stem), value: `${written} ${unit}` };
}
