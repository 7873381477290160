import { createApp } from "vue";
import App from "@/app/App.vue";
import { makeRouter } from "@/app/router";
import "@/style.css";

createApp(App).use(makeRouter()).mount("#app");
