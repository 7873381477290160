/** Where each page is, and who may see it: each page's code is loaded with it. */
import { type RouteLocationNormalized, type Router, type RouteRecordRaw, createRouter, createWebHistory } from "vue-router";
import { ready, whenSignedOut } from "@/base/ask";
import { anything } from "@/base/shape";
import { type Plain, say } from "@/base/words";
import { askSetUp, forget, recall, whenGoneElsewhere, whenSignedOutElsewhere, who } from "@/session/session";

declare module "vue-router" {
  interface RouteMeta {
    readonly title: Plain;
    /** Seen without signing in, and without the navigation around it. */
    readonly alone?: boolean;
    readonly section?: "today" | "places" | "alerts" | "tasks" | "rules" | "analytics" | "told" | "settings" | "system" | "more";
  }
}

const routes: RouteRecordRaw[] = [
  { path: "/", component: () => import("@/overview/Today.vue"), meta: { title: "nav.today", section: "today" } },
  { path: "/places", component: () => import("@/places/Places.vue"), meta: { title: "nav.places", section: "places" } },
  { path: "/places/:id", component: () => import("@/places/PlacePage.vue"), props: true, meta: { title: "field.place", section: "places" } },
  { path: "/devices", component: () => import("@/devices/DevicesPage.vue"), meta: { title: "devices.title", section: "places" } },
  { path: "/devices/:id", component: () => import("@/devices/DevicePage.vue"), props: true, meta: { title: "place.devices", section: "places" } },
  { path: "/claim", component: () => import("@/claims/ClaimPage.vue"), meta: { title: "claim.page", section: "places" } },
  { path: "/alerts", component: () => import("@/alerts/AlertsPage.vue"), meta: { title: "nav.alerts", section: "alerts" } },
  { path: "/alerts/:id", component: () => import("@/alerts/AlertPage.vue"), props: true, meta: { title: "alert.page", section: "alerts" } },
  { path: "/tasks", component: () => import("@/tasks/TasksPage.vue"), meta: { title: "nav.tasks", section: "tasks" } },
  { path: "/rules", component: () => import("@/rules/RulesPage.vue"), meta: { title: "nav.rules", section: "rules" } },
  { path: "/rules/:id", component: () => import("@/rules/RulePage.vue"), props: ({ params, query }) => ({ id: String(params["id"]), ...(typeof query["place"] === "string" ? { place: query["place"] } : {}) }), meta: { title: "nav.rules", section: "rules" } },
  { path: "/analytics", component: () => import("@/counts/AnalyticsPage.vue"), meta: { title: "nav.analytics", section: "analytics" } },
  { path: "/settings", component: () => import("@/settings/Settings.vue"), meta: { title: "nav.settings", section: "settings" } },
  { path: "/settings/retention", component: () => import("@/retention/RetentionPage.vue"), meta: { title: "retention.title", section: "settings" } },
  { path: "/settings/moving-in", component: () => import("@/moving/MovingPage.vue"), meta: { title: "moving.title", section: "settings" } },
  { path: "/settings/bridges", component: () => import("@/bridges/BridgesPage.vue"), meta: { title: "bridge.title", section: "settings" } },
  { path: "/settings/enrolments", component: () => import("@/strangers/EnrolmentsPage.vue"), meta: { title: "enrolment.title", section: "settings" } },
  { path: "/pending", component: () => import("@/strangers/PendingPage.vue"), meta: { title: "pending.title", section: "settings" } },
  { path: "/settings/deeds", component: () => import("@/deeds/DeedsPage.vue"), meta: { title: "deeds.title", section: "settings" } },
  { path: "/settings/backups", component: () => import("@/backups/BackupsPage.vue"), meta: { title: "backup.title", section: "settings" } },
  { path: "/notifications", component: () => import("@/notifications/NotificationsPage.vue"), meta: { title: "told.title", section: "told" } },
  { path: "/settings/notifications", component: () => import("@/notifications/NotificationSettings.vue"), meta: { title: "target.title", section: "settings" } },
  { path: "/system", component: () => import("@/system/SystemPage.vue"), meta: { title: "nav.system", section: "system" } },
  { path: "/more", component: () => import("@/app/More.vue"), meta: { title: "nav.more", section: "more" } },
  { path: "/sign-in", component: () => import("@/session/SignIn.vue"), meta: { title: "signin.do", alone: true } },
  { path: "/setup", component: () => import("@/session/SetUp.vue"), meta: { title: "setup.owner.title", alone: true } },
  { path: "/setup/place", component: () => import("@/places/FirstPlace.vue"), meta: { title: "setup.place.title", alone: true } },
  { path: "/setup/device/:place", component: () => import("@/devices/FirstDevice.vue"), props: true, meta: { title: "setup.device.title", alone: true } },
  { path: "/:rest(.*)*", component: () => import("@/base/parts/Missing.vue"), meta: { title: "missing.title" } },
];
const open = ["/sign-in", "/setup"];

/** Where to go instead, or true to go on. */
async function admit(to: RouteLocationNormalized): Promise<true | { path: string; query?: Record<string, string> }> {
  if (open.includes(to.path) || who.value !== null || (await recall()) !== null) return true;
  const { needed } = await askSetUp();
  if (needed) return { path: "/setup" };
  return to.path === "/" ? { path: "/sign-in" } : { path: "/sign-in", query: { next: to.fullPath } };
}

export function makeRouter(): Router {
  const router = createRouter({ history: createWebHistory(), routes });
  let returning = false; // going back, the browser finds the old place on the page by itself
  addEventListener("popstate", () => (returning = true));
  router.beforeEach(admit);
  router.afterEach((to, from) => {
    document.title = to.meta.title === "nav.today" ? say("app.name") : say("app.title", { page: say(to.meta.title) });
    if (!returning && to.path !== from.path) scrollTo(0, 0);
    returning = false;
    // a new page is where reading goes on, also for who cannot see that it changed
    if (from.matched.length > 0 && to.path !== from.path) requestAnimationFrame(() => document.querySelector("main")?.focus({ preventScroll: true }));
  });
  // after an update the page's code has another name: begin anew where one wanted to go, unless that is how we began
  router.onError((_error, to, from) => {
    const goOn = (): void => location.assign(to.fullPath);
    if (from.matched.length > 0) ready(anything).then(goOn, () => undefined); // what stands stays while the server is away
  });
  const leave = (): void => {
    forget();
    const here = router.currentRoute.value;
    if (here.path !== "/sign-in") void router.push({ path: "/sign-in", query: { next: here.fullPath } });
  };
  whenSignedOut(leave);
  whenSignedOutElsewhere(leave);
  whenGoneElsewhere(() => location.assign("/"));
  return router;
}
