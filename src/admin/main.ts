/** `npm run admin`: what only the operator of a cluster may do, by way of its Redis. */
import { userInfo } from "node:os";
import { parseArgs } from "node:util";
import { ConfigError, readConfig } from "../config.js";
import { AddressError } from "../redis/address.js";
import { redacted, writtenError } from "../redact.js";
import { Unavailable } from "../chat/ports.js";
import { COMMANDS, type Given } from "./commands.js";
import { openStores } from "./stores.js";
import { USAGE, UsageError } from "./usage.js";

/** So long Redis may take to be there. */
const CONNECT_WITHIN_MS = 5_000;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      for: { type: "string" },
      reason: { type: "string", default: "" },
      address: { type: "string" },
      by: { type: "string" },
      last: { type: "string" },
      erase: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const [command, ...names] = positionals;
  if (values.help || command === undefined) {
    console.log(USAGE);
    return values.help ? 0 : 2;
  }
  if (!Object.hasOwn(COMMANDS, command)) throw new UsageError(`there is no command ${command}`);
  const given: Given = { ...values, names, by: values.by ?? userInfo().username };
  const run = COMMANDS[command as keyof typeof COMMANDS](given);
  const config = readConfig(process.env);
  const { REDIS_URL } = config;
  if (REDIS_URL === undefined) throw new UsageError("which Redis? Set REDIS_URL as for a gateway");
  const stores = await openStores({ ...config, REDIS_URL }, CONNECT_WITHIN_MS);
  try {
    const { lines, json, isDone } = await run(stores);
    console.log(values.json ? JSON.stringify(json, undefined, 2) : lines.join("\n"));
    return isDone ? 0 : 1;
  } finally {
    stores.close();
  }
}

main().then(
  (code) => process.exit(code), // without waiting for timers of connections that failed
  (error: Error) => {
    const isUsage = (error as NodeJS.ErrnoException).code?.startsWith("ERR_PARSE_ARGS") === true;
    const isOurs =
      isUsage ||
      [UsageError, ConfigError, AddressError, Unavailable].some((kind) => error instanceof kind);
    console.error(isOurs ? `admin: ${redacted(error.message)}` : writtenError(error));
    process.exit(2);
  },
);
