/** The configuration: the environment, read once, checked, frozen. */
import { hostname } from "node:os";
import { z } from "zod";
import { accessMistakes } from "./config/access.js";
import { connections, readers } from "./config/capacity.js";
import { clientPort, tlsMistakes } from "./config/client-port.js";
import { requestLimits } from "./config/limits.js";
import { names } from "./config/names.js";
import { identity, tokenMistakes } from "./config/identity.js";
import { mistakesBetween, type Mistake } from "./config/relations.js";
import { SECRETS, fileVariable, withSecrets, type SecretFiles } from "./config/secrets.js";
import { integer, optional, pattern, text } from "./config/fields.js";
import { AddressError, readAddress } from "./redis/address.js";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/** host:port,[::1]:port */
const PEERS =
  /^(?:\[[\da-fA-F:.]+\]|[^\s,:[\]/]+):\d{1,5}(?:\s*,\s*(?:\[[\da-fA-F:.]+\]|[^\s,:[\]/]+):\d{1,5})*$/;

/** Each field: range, default, and in `meta` an example and the line for README's table. */
export const schema = z.object({
  PORT: integer(0, 65_535, 9000, "Port for all clients; 0 takes a free one"),
  HOST: optional("127.0.0.1", "Address to listen on, for metrics too; none: all of this machine"),
  ...clientPort,
  METRICS_PORT: integer(0, 65_535, 0, "Port for Prometheus metrics at `/metrics`; 0 for none"),
  REDIS_URL: z.string().trim().check(checkRedisUrl).optional().meta({
    example: "redis://127.0.0.1:6379",
    about:
      "Redis or Valkey, 7.0 or later; with Sentinel `redis+sentinel://host:26379,host:26379/name`; with TLS `rediss://`, `rediss+sentinel://`; none: a private one is started",
  }),
  REDIS_USERNAME: optional("tertulia", "User at Redis, where the URL has none; none: `default`"),
  REDIS_PASSWORD: optional("a-long-random-text", "At Redis, where the URL has none"),
  SENTINEL_USERNAME: optional(
    "tertulia",
    "User at the sentinels, where the URL has none; none: `default`",
  ),
  SENTINEL_PASSWORD: optional("a-long-random-text", "At the sentinels, where the URL has none"),
  REDIS_CA_FILE: optional(
    "/run/secrets/ca.crt",
    "Authorities (PEM) whose certificates are taken, of Redis and of the sentinels, besides Node's own",
  ),
  REDIS_CERT_FILE: optional(
    "/run/secrets/tls.crt",
    "Client certificate (PEM) for Redis and the sentinels",
  ),
  REDIS_KEY_FILE: optional("/run/secrets/tls.key", "Its key (PEM, without a passphrase)"),
  REDIS_PREFIX: z
    .string()
    .regex(/^[\w.-]{1,32}$/, "must be 1 to 32 letters, digits, dots or dashes")
    .default("tertulia")
    .meta({
      example: "tertulia",
      about: "Begins every key and channel; clusters with different ones do not meet",
    }),
  REDIS_COMMAND_TIMEOUT_MS: integer(
    100,
    MINUTE,
    1_500,
    "A Redis command without an answer for this long has failed",
  ),
  DATA_DIR: text("data", "Folder of the private Redis"),
  NODE_NAME: text(
    `${hostname()}-${process.pid}`,
    "This node in logs (default: host name and process id)",
  ),
  IDLE_AFTER_MS: integer(
    1_000,
    DAY,
    MINUTE,
    "Without a message or a status of their own for this long, an active user becomes inactive",
  ),
  HISTORY_KEEP: integer(1, 1_000_000, 1_000, "Messages kept per conversation, at least"),
  HISTORY_MAX_AGE_MS: integer(
    1_000,
    3_650 * DAY,
    30 * DAY,
    "Older messages are not shown, and are dropped",
  ),
  NAME_PATTERN: pattern().optional().meta({
    example: "^[A-Za-z0-9_-]{3,16}$",
    about: "Names must match this as well (read as UTF-8)",
  }),
  ...names,
  ...identity,
  GENERAL_ORIGIN: z.enum(["sender", "tilde", "tilde-with-sender"]).default("sender").meta({
    example: "tilde",
    about:
      "What a classic general message names as its origin: who sent it, or `~`, perhaps with the sender before the text",
  }),
  CLASSIC_ADDRESSES: z.enum(["hidden", "shown"]).default("hidden").meta({
    example: "shown",
    about:
      "Whether the classic answer about one user (52) ends in the user's address, as the node sees it: everybody can ask for everybody's",
  }),
  // at least the longest message with the longest name: with less, it would leave the history empty
  CLASSIC_REPLY_MAX_BYTES: integer(
    324,
    65_536,
    4_096,
    "Classic lists and histories stay within this",
  ),
  OPERATION_DEADLINE_MS: integer(
    500,
    MINUTE,
    5_000,
    "What a client asked for fails if Redis has not answered by then",
  ),
  ACK_LEVEL: z.enum(["fast", "replicated"]).default("fast").meta({
    example: "replicated",
    about:
      "When a message is acknowledged: `fast`, stored by the primary; `replicated`, by a replica of it as well",
  }),
  ACK_REPLICAS: integer(
    1,
    16,
    1,
    "How many replicas `replicated` asks for at least, beside all that are connected",
  ),
  LEASE_MS: integer(
    500,
    MINUTE,
    4_000,
    "A node or leader that does not renew for this long is dead",
  ),
  BEAT_MS: integer(50, 10_000, 1_000, "Between renewals of a node's lease"),
  ELECTION_MS: integer(50, 10_000, 250, "Between attempts to lead, and rounds of the sweep"),
  ...connections,
  ...requestLimits,
  PRESENCE_LINGER_MS: integer(
    0,
    MINUTE,
    3_000,
    "JSON: a connection that vanished keeps its name for this long",
  ),
  PRESENCE_FULL_UP_TO: integer(
    0,
    100_000,
    1_000,
    "JSON: with more users, only those watched are told of",
  ),
  ...readers,
  DRAIN_WAIT_MS: integer(
    0,
    10 * MINUTE,
    0,
    "A stopping node says so at `/readyz` for this long before it takes nobody in: for balancers to notice",
  ),
  DRAIN_WINDOW_MS: integer(
    0,
    60 * MINUTE,
    0,
    "After that, its connections are closed one by one over this long",
  ),
  STOP_WITHIN_MS: integer(
    100,
    10 * MINUTE,
    10_000,
    "After that, it signs its users out within this, then exits",
  ),
  PEERS: z
    .string()
    .trim()
    .regex(PEERS, { error: "must be host:port, or several with commas", abort: true })
    .refine(haveGoodPorts, "a port is a number from 1 to 65535")
    .optional()
    .meta({
      example: "tertulia-peers:9000",
      about:
        "Where all gateways of the cluster answer, by a name that stands for all, or one by one: a gateway that alone is not ready for ten seconds lets its clients go; none: it keeps them",
    }),
  LOG_LEVEL: z
    .enum(["trace", "debug", "info", "warn", "error", "silent"])
    .default("info")
    .meta({ example: "debug", about: "Least important event that is logged" }),
  LOG_NAMES: z.enum(["plain", "hash", "omit"]).default("plain").meta({
    example: "hash",
    about: "Users' names in the log: as they are (with addresses), as a hash, or not at all",
  }),
  LOG_NAMES_KEY: z.string().min(16, "must have at least 16 characters").optional().meta({
    example: "a-long-random-text",
    about: "Of that hash, the same for all nodes; none: a new one at each start",
  }),
});

export type Config = Readonly<z.infer<typeof schema>> & {
  /** The secrets that came from files: they are read again, because they may be rotated. */
  readonly secretFiles: SecretFiles;
};

/** All environment variables that are read. */
export const VARIABLES: ReadonlySet<string> = new Set([
  ...Object.keys(schema.shape),
  ...SECRETS.map(fileVariable),
]);

/** A mistake in the environment: the message names each variable and shows a valid example. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/** @throws ConfigError */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const given = Object.entries(environment).filter(
    ([key, value]) => VARIABLES.has(key) && value?.trim() !== "",
  );
  const secrets = withSecrets(Object.fromEntries(given));
  const { secretFiles } = secrets;
  const parsed = schema.safeParse(secrets.values);
  const mistakes: Mistake[] = [...secrets.mistakes];
  if (!parsed.success) {
    const { issues } = parsed.error;
    mistakes.push(...issues.map(({ path, message }) => ({ variable: String(path[0]), message })));
  } else {
    mistakes.push(...mistakesBetween(parsed.data), ...tlsMistakes(parsed.data));
    mistakes.push(...tokenMistakes(parsed.data));
    if (secrets.mistakes.length === 0) mistakes.push(...accessMistakes(parsed.data));
  }
  if (!parsed.success || mistakes.length > 0) {
    throw new ConfigError(mistakes.map(mistakeLine).join("\n"));
  }
  return Object.freeze({ ...parsed.data, secretFiles });
}

/** How long a leader acts without a successful renewal: less than its lease takes to end for other nodes. */
export function stepDownMs({ LEASE_MS }: Config): number {
  return LEASE_MS * 0.625;
}

/** If no node has beaten in a bucket for this long, no node could reach it: then none of them counts as dead. */
export function stallMs({ BEAT_MS }: Config): number {
  return BEAT_MS * 1.5;
}

/** Throws an error of `listen` again; one about a setting as a ConfigError that names the variable. */
export function listenMistake(
  variable: "PORT" | "METRICS_PORT",
  { HOST, ...ports }: Config,
): (error: unknown) => never {
  const port = ports[variable];
  return (error) => {
    switch ((error as NodeJS.ErrnoException).code) {
      case "EADDRINUSE": {
        const other = `choose another, for example ${variable}=${port + (port < 65_535 ? 1 : -1)}`;
        throw new ConfigError(`${variable}: somebody listens on port ${port} already; ${other}`);
      }
      case "EACCES":
        throw new ConfigError(
          mistakeLine({ variable, message: `listening on port ${port} is not allowed` }),
        );
      case "EADDRNOTAVAIL":
      case "ENOTFOUND":
      case "EAI_AGAIN":
      case "EINVAL":
        throw new ConfigError(
          mistakeLine({ variable: "HOST", message: `${HOST} is no address of this machine` }),
        );
      default:
        throw error;
    }
  };
}

function mistakeLine({ variable, message, example }: Mistake): string {
  const field = schema.shape[variable as keyof typeof schema.shape];
  const shown = example ?? String(field.meta()?.["example"]);
  return `${variable}: ${message} (for example ${variable}=${shown})`;
}

function haveGoodPorts(peers: string): boolean {
  const ports = peers.split(",").map((place) => Number(place.slice(place.lastIndexOf(":") + 1)));
  return ports.every((port) => port >= 1 && port <= 65_535);
}

function checkRedisUrl({ value, issues }: z.core.ParsePayload<string>): void {
  try {
    readAddress(value);
  } catch (error) {
    if (!(error instanceof AddressError)) throw error;
    issues.push({ code: "custom", message: error.message, input: value });
  }
}
