import { expect, test } from "vitest";
import { type Recipe, begun, expressionOf, kinds, recipeOf, suggested, written } from "@/derived/recipes";

const own = (metric: string): { device: null; metric: string } => ({ device: null, metric });

test("every usual calculation is read back as it was written", () => {
  for (const kind of kinds) {
    for (const per of [1, 60, 3600, 86_400]) {
      const recipe = { ...begun(kind, ["temperature", "humidity", "power"]), per };
      const back = recipeOf(expressionOf(recipe));
      expect(back).toMatchObject({ kind, of: recipe.of });
      if (kind === "rate" || kind === "integral") expect(back?.per).toBe(per);
    }
  }
});

test.each([
  [own("temperature"), "temperature"],
  [own("soil-1"), 'metric("soil-1")'],
  [own("in"), 'metric("in")'],
  [own('a "b"'), String.raw`metric("a \"b\"")`],
  [{ device: "d-1", metric: "power" }, 'of("d-1", "power")'],
])("a value is named so that it can be read", (operand, words) => {
  expect(written(operand)).toBe(words);
  expect(recipeOf(`increase(${words})`)?.of).toEqual([operand]);
});

test.each(["mean(a, b)", "vpd(temperature)", "a + b", "round(vpd(a, b), 1)", "sum(of(\"d\", \"p\"))", "integral(p, 3600, 60)", "increase(a, 3)", "rate(a, 0)", "mean(metric('a'))", ""])(
  "%s is nobody's usual calculation, so it stays an expression",
  (expression) => {
    expect(recipeOf(expression)).toBeNull();
  },
);

test("temperature and humidity are found by their names", () => {
  expect(begun("vpd", ["co2", "relative_humidity", "air_temp"]).of.map(({ metric }) => metric)).toEqual(["air_temp", "relative_humidity"]);
});

test.each<[Recipe, string, string]>([
  [{ kind: "vpd", of: [own("t"), own("h")], per: 3600 }, "vpd", "kPa"],
  [{ kind: "mean", of: [own("soil-1")], per: 3600 }, "soil_1_mean", "W"],
  [{ kind: "rate", of: [own("p")], per: 3600 }, "p_rate", "W/h"],
  [{ kind: "integral", of: [own("p")], per: 3600 }, "p_integral", "W.h"],
  [{ kind: "integral", of: [own("p")], per: 90 }, "p_integral", ""],
])("key and unit follow what is calculated", (recipe, key, unit) => {
  expect(suggested(recipe, "W")).toEqual({ key, unit });
});

test("a flow added up over its own time is what flowed", () => {
  expect(suggested({ kind: "integral", of: [own("flow")], per: 60 }, "L/min").unit).toBe("L");
});
