/** `npm run doctor`: examines a Redis as the gateways use it, and says which settings must change. */
import { parseArgs } from "node:util";
import { redisSettings } from "../config/access.js";
import { ConfigError, readConfig } from "../config.js";
import { redacted, writtenError } from "../redact.js";
import { readAccess } from "../redis/access.js";
import { AddressError, readAddress, type Login } from "../redis/address.js";
import { parseBytes } from "./bytes.js";
import { examine } from "./examine.js";
import { isWell, report } from "./report.js";

const USAGE = `npm run doctor -- [URL] [--memory 1gb] [--json]
node dist/doctor/main.js [URL] …                  the same, in the image

  URL               as REDIS_URL; without one, what the environment says, as for a gateway.
                    A user that may CONFIG GET sees more than a gateway's
  --memory SIZE     what Redis' container may use, if there is a limit: Redis does not tell
  --json            an array of { title, findings } instead of lines

It changes no setting. Of data it writes one key of its own, and removes it.
Exit codes: 0 nothing is wrong; 1 something is; 2 it could not be asked.`;

type Environment = Readonly<Record<string, string | undefined>>;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      memory: { type: "string" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const memoryLimit = values.memory === undefined ? undefined : parseBytes(values.memory);
  if (values.memory !== undefined && memoryLimit === undefined) {
    throw new ConfigError("--memory: must be a size, for example 512mb");
  }
  if (positionals.length > 1) throw new ConfigError(USAGE);
  const config = readConfig(surroundings(process.env, positionals[0]));
  const { REDIS_URL } = config;
  if (REDIS_URL === undefined) throw new ConfigError(`which Redis?\n\n${USAGE}`);
  const sections = await examine(readAccess(redisSettings({ ...config, REDIS_URL })), {
    prefix: config.REDIS_PREFIX,
    leaseMs: config.LEASE_MS,
    ackReplicas: config.ACK_LEVEL === "replicated" ? config.ACK_REPLICAS : 0,
    memoryLimit,
  });
  console.log(redacted(values.json ? JSON.stringify(sections, undefined, 2) : report(sections)));
  return isWell(sections) ? 0 : 1;
}

/** The environment with another URL, without the variables that this URL replaces or cannot use. */
function surroundings(environment: Environment, url: string | undefined): Environment {
  if (url === undefined) return environment;
  const address = readAddress(url);
  const atSentinel = address.kind === "sentinel" ? address.sentinelLogin : undefined;
  const useless = new Set([
    "REDIS_URL_FILE",
    ...besideOf("REDIS", address.login),
    ...besideOf("SENTINEL", atSentinel ?? { username: "", password: "" }),
    ...(address.isTls ? [] : ["REDIS_CA_FILE", "REDIS_CERT_FILE", "REDIS_KEY_FILE"]),
  ]);
  const rest = Object.entries(environment).filter(([name]) => !useless.has(name));
  return { ...Object.fromEntries(rest), REDIS_URL: url };
}

/** A password in the URL belongs to the user in the URL; a user in the URL may have a password elsewhere. */
function besideOf(whose: "REDIS" | "SENTINEL", { username, password }: Login): string[] {
  const isUser = username !== undefined || password !== undefined;
  return [
    ...(isUser ? [`${whose}_USERNAME`] : []),
    ...(password !== undefined ? [`${whose}_PASSWORD`, `${whose}_PASSWORD_FILE`] : []),
  ];
}

main().then(
  (code) => process.exit(code), // without waiting for timers of connections that failed
  (error: Error) => {
    const isUsage = (error as NodeJS.ErrnoException).code?.startsWith("ERR_PARSE_ARGS") === true;
    const isOurs = error instanceof ConfigError || error instanceof AddressError || isUsage;
    console.error(isOurs ? `doctor: ${redacted(error.message)}` : writtenError(error));
    process.exit(2);
  },
);
