import SwaggerUI from "swagger-ui-dist/swagger-ui-es-bundle.js";
import "swagger-ui-dist/swagger-ui.css";

const dark = document.documentElement.dataset["theme"] ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
document.documentElement.classList.toggle("dark-mode", dark === "dark");

SwaggerUI({ url: "/api/v1/openapi.json", dom_id: "#docs", deepLinking: true, displayRequestDuration: true, filter: true, defaultModelsExpandDepth: 0, validatorUrl: null });
