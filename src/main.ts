/** The entry: configuration, a Redis if none is given, the node, signals. */
import { resolve } from "node:path";
import { ConfigError, readConfig, type Config } from "./config.js";
import { sharedLocalRedis } from "./local-redis/shared.js";
import { startNode } from "./node.js";
import { observe, type Observe } from "./observe.js";

async function main(): Promise<void> {
  const config = readConfig(process.env);
  const watch = observe(config.LOG_LEVEL, config.NODE_NAME);
  let isAsked = false;
  const asked = new Promise<"asked">((ask) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      process.on(signal, () => {
        if (isAsked) process.exit(1); // the second time: at once
        isAsked = true;
        ask("asked");
      });
    }
  });
  if (config.REDIS_URL !== undefined) {
    await serve({ ...config, REDIS_URL: config.REDIS_URL }, watch, asked);
    return;
  }
  const redis = await sharedLocalRedis(resolve(config.DATA_DIR));
  watch.log.info({ url: redis.url, dataDir: config.DATA_DIR }, "using a private redis");
  const lost = redis.stopped.then(() => "lost" as const);
  const served = serve(
    { ...config, REDIS_URL: redis.url },
    watch,
    Promise.race([asked, lost]),
    (port) => {
      process.stderr.write(
        `Tertulia is ready on ws://localhost:${port}?name=you\n` +
          `Another node of the same cluster: REDIS_URL=${redis.url} PORT=${port + 1} npm start\n`,
      );
    },
  );
  if ((await served) === "lost") throw new Error("the private Redis has stopped; start again");
  await redis.close();
}

/** Runs a node until told to stop; says why. While the node waits for Redis, it can be stopped too. */
async function serve<Why>(
  config: Config & { REDIS_URL: string },
  watch: Observe,
  until: Promise<Why>,
  onReady: (port: number) => void = () => {},
): Promise<Why> {
  const node = await Promise.race([startNode(config, watch), until.then(() => undefined)]);
  if (node !== undefined) onReady(node.port);
  const why = await until;
  await node?.close();
  return why;
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    const isOurs = error instanceof ConfigError;
    process.stderr.write(
      `${isOurs ? "Configuration:\n" : ""}${isOurs ? error.message : String(error)}\n`,
    );
    process.exit(1);
  },
);
