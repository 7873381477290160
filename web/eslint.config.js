import js from "@eslint/js";
import vue from "eslint-plugin-vue";
import accessibility from "eslint-plugin-vuejs-accessibility";
import { defineConfig } from "eslint/config";
import ts from "typescript-eslint";

const outside = ["fetch", "WebSocket", "EventSource", "XMLHttpRequest"].map((name) => ({
  name,
  message: "A component asks its noun's module; only base/ask.ts and live/socket.ts speak to the server.",
}));

export default defineConfig(
  { ignores: ["node_modules", "public", "src/base/schema.d.ts"] },
  js.configs.recommended,
  ts.configs.strictTypeChecked,
  ts.configs.stylisticTypeChecked,
  vue.configs["flat/recommended"],
  accessibility.configs["flat/recommended"],
  {
    languageOptions: {
      parserOptions: { parser: ts.parser, projectService: true, extraFileExtensions: [".vue"], tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      "no-undef": "off", // the type checker knows better
      "no-restricted-globals": ["error", ...outside],
      "max-lines": ["error", 300],
      "max-lines-per-function": ["error", 60],
      complexity: ["error", 12],
      eqeqeq: "error",
      "no-console": "error",
      "@typescript-eslint/explicit-module-boundary-types": "error",
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      "vue/block-order": ["error", { order: ["script", "template", "style"] }],
      "vue/component-api-style": ["error", ["script-setup"]],
      "vue/define-props-declaration": ["error", "type-based"],
      "vue/define-emits-declaration": ["error", "type-based"],
      "vue/block-lang": ["error", { script: { lang: "ts" } }],
      "vue/multi-word-component-names": "off", // a page is named by its noun
      "vue/no-v-html": "error",
      "vue/max-attributes-per-line": "off",
      "vue/singleline-html-element-content-newline": "off",
      "vue/html-self-closing": ["error", { html: { void: "always" } }],
      "vue/require-default-prop": "off", // props are typed, and optional ones are undefined
      "vuejs-accessibility/label-has-for": ["error", { required: { some: ["nesting", "id"] } }],
    },
  },
  { files: ["**/*.vue"], rules: { "max-lines": ["error", 150] } },
  { files: ["src/base/ask.ts", "src/live/socket.ts"], rules: { "no-restricted-globals": "off" } },
  {
    files: ["src/base/**"],
    rules: { "no-restricted-imports": ["error", { patterns: [{ regex: "^@/(?!base/)", message: "base/ knows no noun." }] }] },
  },
  { files: ["**/*.js"], extends: [ts.configs.disableTypeChecked] },
  { files: ["test/**"], rules: { "max-lines-per-function": "off" } },
);
