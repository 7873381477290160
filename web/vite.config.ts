import { fileURLToPath } from "node:url";
import tailwind from "@tailwindcss/vite";
import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vite";
import { budget } from "./budget.ts";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const server = process.env["VERGER_DEV_SERVER"] ?? "http://127.0.0.1:8000";

export default defineConfig({
  plugins: [vue(), tailwind(), budget("/index.html", "/src/overview/Today.vue", 120)],
  resolve: { alias: { "@": here("src") } },
  build: {
    outDir: here("../src/verger/edges/api/static"),
    emptyOutDir: true,
    target: "es2022",
    modulePreload: { polyfill: false },
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    rolldownOptions: { input: { index: here("index.html"), docs: here("docs.html") } },
    chunkSizeWarningLimit: 1600, // the API page carries Swagger UI whole, and nothing else does
  },
  server: { proxy: { "/api": { target: server, ws: true, changeOrigin: true }, "/ready": server } },
});
