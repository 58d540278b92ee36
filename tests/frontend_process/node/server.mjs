// A frontend's server with a grandchild that has left the session, as its environment wants it.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import http from "node:http";

const { BIND, FAIL, GATE, LATE, LISTEN, SAY, SOCKET } = process.env;

spawn("sleep", ["1000"], { detached: true, stdio: "inherit" }).unref();

if (SAY) process.stdout.write(SAY);
// As Tailwind's watcher, which ends with its input.
process.stdin.on("end", () => process.exit(0)).resume();

if (FAIL) {
  setTimeout(() => process.exit(Number(FAIL)), 50);
} else {
  const asked = {};
  const server = http.createServer((request, response) => {
    asked[request.url] = (asked[request.url] ?? 0) + 1;
    const { DJANGO_ORIGIN, FORCE_COLOR, PORT } = process.env;
    if (request.url === "/crash") process.exit(1);
    response.setHeader("Location", `http://localhost:${server.address().port}/elsewhere`);
    if (request.url === "/move") {
      response.setHeader("Connection", "close");
      response.on("close", () => server.close(() => server.listen(0, "localhost")));
    }
    response.end(JSON.stringify({ url: request.url, times: asked[request.url], host: request.headers.host, pid: process.pid, DJANGO_ORIGIN, FORCE_COLOR, PORT }));
  });
  const open = () => {
    if (GATE && !existsSync(GATE)) setTimeout(open, 20);
    else if (SOCKET) server.listen(SOCKET);
    else server.listen(Number(LISTEN ?? 0), BIND ?? "localhost");
  };
  setTimeout(open, Number(LATE ?? 0));
}
