export default defineNuxtConfig({
  devtools: { enabled: false },
  telemetry: false,
  app: { head: { link: [{ rel: "icon", href: "data:," }] } },
});
