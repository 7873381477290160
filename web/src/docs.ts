import SwaggerUI from "swagger-ui-dist/swagger-ui-es-bundle.js";
import "swagger-ui-dist/swagger-ui.css";

SwaggerUI({ url: "/api/v1/openapi.json", dom_id: "#docs", deepLinking: true, displayRequestDuration: true, filter: true, validatorUrl: null });
