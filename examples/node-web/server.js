// A web application in Node: what it needs from its surroundings comes in variables.
const { createServer } = require("node:http");

const server = createServer((request, response) => {
  const healthy = request.url === "/health";
  response.setHeader("Content-Type", healthy ? "application/json" : "text/plain");
  response.end(healthy ? JSON.stringify({ version: process.env.RELEASE_VERSION }) : "Hello from Node\n");
});

process.on("SIGTERM", () => process.exit(0));
server.listen(Number(process.env.PORT), process.env.HOST);
