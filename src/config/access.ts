/** How a gateway connects to Redis, by its configuration. */
import { readAccess, type AccessSettings } from "../redis/access.js";
import { AddressError } from "../redis/address.js";
import type { Mistake } from "./relations.js";
import { readSecrets, type SecretFiles } from "./secrets.js";

interface AccessVariables {
  readonly REDIS_URL?: string | undefined;
  readonly REDIS_USERNAME?: string | undefined;
  readonly REDIS_PASSWORD?: string | undefined;
  readonly SENTINEL_USERNAME?: string | undefined;
  readonly SENTINEL_PASSWORD?: string | undefined;
  readonly REDIS_CA_FILE?: string | undefined;
  readonly REDIS_CERT_FILE?: string | undefined;
  readonly REDIS_KEY_FILE?: string | undefined;
}

interface WithUrl extends AccessVariables {
  readonly REDIS_URL: string;
  readonly REDIS_COMMAND_TIMEOUT_MS: number;
  readonly secretFiles: SecretFiles;
}

/** The settings of the Redis rooms. `again` reads the files of secrets anew. */
export function redisSettings(config: WithUrl): AccessSettings & {
  readonly commandTimeoutMs: number;
  again(this: void): AccessSettings;
} {
  return {
    ...settingsOf(config),
    commandTimeoutMs: config.REDIS_COMMAND_TIMEOUT_MS,
    again: () => settingsOf({ ...config, ...readSecrets(config.secretFiles) }),
  };
}

/** Finds contradictions between the URL, logins and files; reads the files. */
export function accessMistakes(config: AccessVariables): Mistake[] {
  const { REDIS_URL } = config;
  if (REDIS_URL === undefined) {
    return NEED_URL.filter((variable) => config[variable] !== undefined).map((variable) => ({
      variable,
      message: "is given, and no REDIS_URL",
    }));
  }
  try {
    readAccess(settingsOf({ ...config, REDIS_URL }));
    return [];
  } catch (error) {
    if (!(error instanceof AddressError)) throw error;
    return [error];
  }
}

const NEED_URL = [
  "REDIS_USERNAME",
  "REDIS_PASSWORD",
  "SENTINEL_USERNAME",
  "SENTINEL_PASSWORD",
  "REDIS_CA_FILE",
  "REDIS_CERT_FILE",
  "REDIS_KEY_FILE",
] as const;

function settingsOf(config: AccessVariables & { readonly REDIS_URL: string }): AccessSettings {
  return {
    url: config.REDIS_URL,
    username: config.REDIS_USERNAME,
    password: config.REDIS_PASSWORD,
    sentinelUsername: config.SENTINEL_USERNAME,
    sentinelPassword: config.SENTINEL_PASSWORD,
    caFile: config.REDIS_CA_FILE,
    certFile: config.REDIS_CERT_FILE,
    keyFile: config.REDIS_KEY_FILE,
  };
}
