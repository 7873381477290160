/** What a person waits for: the scripts that Today needs, packed, must stay within the promise. */
import { gzipSync } from "node:zlib";
import type { Plugin, Rolldown } from "vite";

/** Fail the build when the scripts of the first load, `entry` and the page `today`, weigh more than `kilobytes` packed. */
export function budget(entry: string, today: string, kilobytes: number): Plugin {
  return {
    name: "verger-budget",
    apply: "build",
    generateBundle(_options, bundle) {
      const chunks = Object.values(bundle).filter((output) => output.type === "chunk");
      const weight = [...needed(chunks, [entry, today])].reduce((sum, { code }) => sum + gzipSync(code).byteLength, 0) / 1000;
      const told = `The first load of Today is ${weight.toFixed(1)} kB of script, packed`;
      if (weight > kilobytes) this.error(`${told}; at most ${kilobytes} kB were promised.`);
      this.info(`${told}.`);
    },
  };
}

/** The chunks that hold these modules, and all that they import at once. */
function needed(chunks: readonly Rolldown.OutputChunk[], modules: readonly string[]): Set<Rolldown.OutputChunk> {
  const found = new Set(chunks.filter(({ facadeModuleId }) => modules.some((module) => facadeModuleId?.endsWith(module) === true)));
  for (const { imports } of found) for (const chunk of chunks) if (imports.includes(chunk.fileName)) found.add(chunk);
  return found;
}
