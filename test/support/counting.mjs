/**
 * Preloaded into a node: counts what it does, and tells its parent process when it is asked. `count` at once,
 * `collect` after a garbage collection.
 */
import { Server } from "node:http";
import { Socket } from "node:net";
import { PerformanceObserver } from "node:perf_hooks";
import { setTimeout as pause } from "node:timers/promises";

/** Buffers are freed some turns after the object that held them. */
const COLLECTIONS = 3;
const BETWEEN_MS = 100;

/** To clients: sockets that a server accepted. Each is a system call, unless the one before is still under way. */
let writes = 0;
for (const method of ["_write", "_writev"]) {
  const write = Socket.prototype[method];
  Socket.prototype[method] = function (...args) {
    if (this.server !== undefined) writes++;
    return write.apply(this, args);
  };
}

/** Requests for a WebSocket, answered or not. */
let upgrades = 0;
const emit = Reflect.get(Server.prototype, "emit");
Server.prototype.emit = function (event, ...args) {
  if (event === "upgrade") upgrades++;
  return emit.call(this, event, ...args);
};

let collections = 0;
const observer = new PerformanceObserver((list) => (collections += list.getEntries().length));
observer.observe({ entryTypes: ["gc"] });

process.on("message", (question) => void answer(question));
// a listener keeps the process running; the node stops when it is asked to
process.channel.unref();

async function answer(question) {
  if (question === "collect") await collect();
  await pause(0); // what was observed is told in a later turn
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  process.send({ writes, upgrades, collections, bytes: heapUsed + arrayBuffers });
}

async function collect() {
  for (let i = 0; i < COLLECTIONS; i++) {
    globalThis.gc();
    await pause(BETWEEN_MS);
  }
}
