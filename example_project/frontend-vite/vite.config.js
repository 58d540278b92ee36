import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// One line a request, as Django's runserver writes it; Vite itself is silent.
const requestLog = {
  name: "request-log",
  configureServer(server) {
    server.middlewares.use((request, response, next) => {
      const line = `"${request.method} ${request.url} HTTP/${request.httpVersion}"`;
      response.on("finish", () => console.log(`${line} ${response.statusCode}`));
      next();
    });
  },
};

// Nothing about Django here: no server.proxy, no CORS, no allowed hosts.
export default defineConfig({ plugins: [react(), requestLog] });
