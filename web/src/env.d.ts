/// <reference types="vite/client" />
declare module "*.vue" {
  import type { DefineComponent } from "vue";
  const component: DefineComponent;
  export default component;
}
declare module "swagger-ui-dist/swagger-ui-es-bundle.js" {
  const show: (options: Readonly<Record<string, unknown>>) => unknown;
  export default show;
}
