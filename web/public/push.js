// Shows what Verger pushes to this browser, and opens it.
self.addEventListener("push", (event) => {
  const told = event.data?.json() ?? {};
  const shown = { body: told.body, tag: told.id, icon: "/favicon.svg", requireInteraction: told.severity === "critical" };
  event.waitUntil(self.registration.showNotification(told.title ?? "Verger", shown));
});
self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(self.clients.openWindow("/notifications"));
});
