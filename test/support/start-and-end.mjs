/**
 * Starts a node of the build in a process of its own, which never calls `process.exit`: it ends by itself once
 * nothing is left that holds it. SIGTERM gives up; a node that has started is closed at once. Prints the log, and what
 * came of it.
 */
import { readConfig } from "../../dist/config.js";
import { startNode } from "../../dist/node.js";
import { observe } from "../../dist/observe.js";

const config = readConfig(process.env);
const stopping = new AbortController();
process.on("SIGTERM", () => stopping.abort(new Error("given up")));
const outcome = await startNode(config, observe("debug", "test"), stopping.signal).then(
  async (node) => {
    await Promise.all([node.close(AbortSignal.abort()), node.close()]);
    return "started and closed";
  },
  (error) => `${error.name}: ${error.message}`,
);
process.stdout.write(`${JSON.stringify({ outcome })}\n`);
