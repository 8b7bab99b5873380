/** Preloaded into a gateway by the bench: collects the garbage when asked, and tells what is left in memory. */
import { setTimeout as pause } from "node:timers/promises";

/** Buffers are freed some turns after the object that held them. */
const TIMES = 3;
const BETWEEN_MS = 100;

process.on("message", () => void collect());
// a listener keeps the process running; the gateway stops when it is asked to
process.channel.unref();

async function collect() {
  for (let i = 0; i < TIMES; i++) {
    globalThis.gc();
    await pause(BETWEEN_MS);
  }
  process.send(process.memoryUsage());
}
