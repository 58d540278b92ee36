import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// A page whose second part is held back until /release is asked for with the same id.
const streamedPage = {
  name: "streamed-page",
  configureServer(server) {
    const held = new Map();
    server.middlewares.use("/stream", (request, response) => {
      response.setHeader("Content-Type", "text/html; charset=utf-8");
      response.write('<!doctype html><link rel="icon" href="data:,"><p id="first">first</p>\n');
      held.set(new URL(request.url, "http://any").searchParams.get("id"), response);
    });
    server.middlewares.use("/release", (request, response) => {
      const id = new URL(request.url, "http://any").searchParams.get("id");
      held.get(id).end('<p id="late">late</p>\n');
      response.end("released");
    });
  },
};

export default defineConfig({ plugins: [react(), streamedPage] });
