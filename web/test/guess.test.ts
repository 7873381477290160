import { expect, test } from "vitest";
import { cells, glance } from "@/imports/guess";
import { toldOf } from "@/imports/imports";

const zone = "Europe/Berlin";

test("what Verger exports is known at sight", () => {
  const seen = glance("\uFEFFdevice,device_name,place,metric,unit,time,value\r\nd1,Hall,Cottage,temperature,Cel,2026-01-01T00:00:00Z,21.5\r\n", zone);
  expect(seen.namesDevice).toBe(true);
  expect(toldOf(seen.reading)).toMatchObject({ form: "long", separator: ",", decimal: ".", device_column: "device", time_column: "time", unit_column: "unit", time: "rfc3339" });
});

test("a spreadsheet with semicolons and commas is a column for each metric", () => {
  const seen = glance("Datum;Temp. °C;Feuchte\n2026-01-01 00:00;1.021,5;40\n", zone);
  expect(seen.namesDevice).toBe(false);
  expect(toldOf(seen.reading)).toEqual({
    form: "wide", device: null, device_column: "Datum", time_column: "Datum", time: "rfc3339", timezone: zone, separator: ";", decimal: ",",
    metrics: { "Temp. °C": "Temp. °C", Feuchte: "Feuchte" },
  });
});

test.each([["1767225600", "s"], ["1767225600.5", "s"], ["1767225600000", "ms"], ["2026-01-01T00:00:00Z", "rfc3339"]])("a time of %s is written as %s", (written, form) => {
  expect(glance(`ts\tt\n${written}\t1\n`, zone).reading.time).toBe(form);
});

test("a column that is called nothing is passed over", () => {
  const { reading } = glance("time,a,b\n2026-01-01,1,2\n", zone);
  reading.metrics["b"] = " ";
  expect(toldOf(reading).metrics).toEqual({ a: "a" });
});

test("a quoted cell holds separators, line ends and quotes", () => {
  expect(cells('a,"b, ""c""\nd"\r\n\r\n1,2', ",", 5)).toEqual([["a", 'b, "c"\nd'], ["1", "2"]]);
});

test("a file of nothing has no columns", () => {
  expect(glance("", zone).columns).toEqual([]);
});
