/**
 * The servers that are compared. Each is `{ name, dialect, nodes, start(redisUrl) }`: `start` begins one node and
 * returns its process and port; `nodes`, if it is there, is how many it can have.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, connect } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";

/** No limit that a load meets: the bench measures what a message costs, not who is refused. */
const NO_LIMITS = {
  REQUESTS_PER_SECOND: "100000",
  ADDRESS_REQUESTS_PER_SECOND: "0",
  HANDSHAKES_PER_SECOND: "100000",
  MAX_UNNAMED_CONNECTIONS: "100000",
};
/** The floor gathers what arrives within so many milliseconds. */
const FLOOR_WINDOW_MS = "10";
const DIAL_EVERY_MS = 50;
const DIALS = 200;
/** Options of Node in the image and in `npm start`; a test compares them. */
export const AS_SHIPPED = ["--min-semi-space-size=8", "--max-semi-space-size=8"];

const children = new Set();
// so that what "exit" ends is ended by a signal, too
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));
process.once("exit", () => {
  for (const child of children) child.kill("SIGKILL");
});

/** A build of this project, started as the image starts it. */
export function tertulia(name, build, dialect) {
  return {
    name,
    dialect,
    async start(redisUrl) {
      const child = start(process.execPath, [...AS_SHIPPED, join(build, "main.js")], {
        PORT: "0",
        HOST: "127.0.0.1",
        METRICS_PORT: "0",
        REDIS_URL: redisUrl,
        ...NO_LIMITS,
      });
      const line = await firstLine(child, (text) => JSON.parse(text).event === "node_ready");
      return { child, port: JSON.parse(line).port };
    },
  };
}

export function socketIo(program) {
  return {
    name: "Socket.IO",
    dialect: "socket.io",
    async start(redisUrl) {
      const child = start(process.execPath, [program, redisUrl], {});
      return { child, port: Number(await firstLine(child, () => true)) };
    },
  };
}

/** Clients may subscribe and publish as they like; the last hundred messages of a channel are kept. */
export function centrifugo(program) {
  return {
    name: "Centrifugo",
    dialect: "centrifugo",
    async start(redisUrl) {
      const port = await freePort();
      const child = start(program, [], {
        CENTRIFUGO_HTTP_SERVER_ADDRESS: "127.0.0.1",
        CENTRIFUGO_HTTP_SERVER_PORT: `${port}`,
        CENTRIFUGO_ENGINE_TYPE: "redis",
        CENTRIFUGO_ENGINE_REDIS_ADDRESS: redisUrl,
        CENTRIFUGO_CLIENT_INSECURE: "true",
        CENTRIFUGO_CHANNEL_WITHOUT_NAMESPACE_HISTORY_SIZE: "100",
        CENTRIFUGO_CHANNEL_WITHOUT_NAMESPACE_HISTORY_TTL: "15m",
      });
      child.stdout.resume();
      await untilListens(port);
      return { child, port };
    },
  };
}

/** One node in C without Redis or any promise. */
export function floor(program) {
  return {
    name: "C",
    dialect: "classic",
    nodes: 1,
    async start() {
      const port = await freePort();
      const child = start(program, ["--port", `${port}`, "--window", FLOOR_WINDOW_MS], {});
      await untilListens(port);
      return { child, port };
    },
  };
}

/** Ends a node as an operator does. */
export async function stop({ child }) {
  if (child.exitCode === null && child.signalCode === null) {
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    await ended;
  }
  children.delete(child);
}

function start(program, args, env) {
  const child = spawn(program, args, {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    stdio: ["ignore", "pipe", "ignore"],
  });
  children.add(child);
  return child;
}

/** Reads all lines, also those after the wanted one: a pipe that is full would stop the server. */
function firstLine(child, isWanted) {
  return new Promise((resolve, reject) => {
    child.once("exit", () => reject(new Error(`${child.spawnargs.join(" ")} ended`)));
    createInterface({ input: child.stdout }).on("line", (line) => {
      if (isWanted(line)) resolve(line);
    });
  });
}

/** A port of the loopback that nobody listens on now. */
export async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

async function untilListens(port) {
  for (let dial = 0; dial < DIALS; dial++) {
    const socket = connect(port, "127.0.0.1");
    const isUp = await once(socket, "connect").then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (isUp) return;
    await pause(DIAL_EVERY_MS);
  }
  throw new Error(`nothing listens on port ${port}`);
}
