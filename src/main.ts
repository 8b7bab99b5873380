#!/usr/bin/env node
/** The entry: arguments, configuration, a Redis if none is given, the node, signals. */
import { resolve } from "node:path";
import { HELP, readArguments, versionLine } from "./arguments.js";
import { ConfigError, readConfig, type Config } from "./config.js";
import { sharedLocalRedis } from "./local-redis/shared.js";
import { standardOutput } from "./log-output.js";
import { findMisspelt } from "./misspelt.js";
import { startNode } from "./node.js";
import { observe, type Observe } from "./observe.js";
import { hide, redacted, writtenError } from "./redact.js";

async function main(): Promise<void> {
  switch (readArguments(process.argv.slice(2))) {
    case "version":
      process.stdout.write(`${await versionLine()}\n`);
      return;
    case "help":
      process.stdout.write(HELP);
      return;
    case "wrong":
      process.stderr.write(`tertulia takes no such arguments\n\n${HELP}`);
      process.exitCode = 1;
      return;
    case "run":
      await run();
  }
}

async function run(): Promise<void> {
  const config = readConfig(process.env);
  hide(config.LOG_NAMES_KEY, config.TOKEN_SECRET);
  const output = standardOutput();
  const watch = observe(config.LOG_LEVEL, config.NODE_NAME, output);
  output.onDropped = (lines) => {
    watch.log.warn(
      { event: "log_dropped", lines },
      "the log's reader was too slow, lines are lost",
    );
  };
  for (const misspelt of findMisspelt(process.env)) {
    watch.log.warn(
      { event: "variable_unknown", ...misspelt },
      "this variable is none of the configuration",
    );
  }
  let asks = 0;
  const hurry = new AbortController();
  const asked = new Promise<"asked">((ask) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      process.on(signal, () => {
        asks++;
        ask("asked");
        if (asks === 2) hurry.abort(); // stops in the same order, without the waits
        if (asks > 2) process.exit(1);
      });
    }
  });
  if (config.REDIS_URL !== undefined) {
    await serve({ ...config, REDIS_URL: config.REDIS_URL }, watch, asked, hurry.signal);
    return;
  }
  const redis = await sharedLocalRedis(resolve(config.DATA_DIR));
  watch.log.info(
    { event: "private_redis_used", url: redis.url, dataDir: config.DATA_DIR },
    "using a private redis",
  );
  const lost = redis.stopped.then(() => "lost" as const);
  const served = serve(
    { ...config, REDIS_URL: redis.url },
    watch,
    Promise.race([asked, lost]),
    hurry.signal,
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

/** Runs a node until `until` resolves, also while the node starts; resolves with the same. */
async function serve<Why>(
  config: Config & { REDIS_URL: string },
  watch: Observe,
  until: Promise<Why>,
  hurry: AbortSignal,
  onReady: (port: number) => void = () => {},
): Promise<Why> {
  const stopping = new AbortController();
  void until.then(() => stopping.abort());
  const node = await startNode(config, watch, stopping.signal).catch((error: unknown) => {
    if (!stopping.signal.aborted) throw error;
  });
  if (node !== undefined) onReady(node.port);
  const why = await until;
  await node?.close(hurry);
  return why;
}

// Node itself would print all fields of the error: those of Redis have the arguments of the command
process.on("uncaughtException", (error) => {
  process.stderr.write(`${writtenError(error)}\n`);
  process.exit(1);
});

main().then(
  () => process.exit(process.exitCode ?? 0),
  (error: unknown) => {
    const isOurs = error instanceof ConfigError;
    const because = error instanceof Error && error.cause !== undefined ? [error.cause] : [];
    const text = isOurs ? `Configuration:\n${error.message}` : [error, ...because].join(": ");
    process.stderr.write(`${redacted(text)}\n`);
    process.exit(1);
  },
);
