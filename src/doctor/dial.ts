/** Dials an endpoint once: connects, or says why not. */
import { Redis } from "ioredis";
import type { Access } from "../redis/access.js";
import type { Login, Place } from "../redis/address.js";
import { outliveSocketErrors } from "../redis/library-internals.js";
import { whyPerhaps, whyRefused, type Peer } from "../redis/refusal.js";

const WITHIN_MS = 3_000;

/** The endpoint could not be connected to. The message says why and, if that is known, what to do about it. */
export class DialError extends Error {
  override readonly name = "DialError";
}

export interface Endpoint {
  readonly at: Place;
  readonly peer: Peer;
  readonly login: Login;
  readonly tls: Access["tls"];
}

/** @throws DialError */
export async function dial({ at, peer, login, tls }: Endpoint): Promise<Redis> {
  const redis = new Redis({
    ...at,
    ...login,
    ...(tls !== undefined && { tls }),
    lazyConnect: true,
    connectionName: "tertulia-doctor",
    disableClientInfo: true,
    enableReadyCheck: false,
    enableOfflineQueue: false,
    connectTimeout: WITHIN_MS,
    commandTimeout: WITHIN_MS,
    retryStrategy: () => null,
    protocol: 2,
  });
  outliveSocketErrors(redis);
  let told: Error | undefined;
  redis.on("error", (error: Error) => (told ??= error));
  try {
    await redis.connect();
    await redis.call("PING").catch((error: Error) => {
      // gateways do not need this right
      if (!error.message.startsWith("NOPERM")) throw error;
    });
    return redis;
  } catch (error) {
    redis.disconnect();
    const cause = told ?? (error as Error);
    const why = whyRefused(cause, peer) ?? whyPerhaps(cause, tls !== undefined);
    throw new DialError(why === undefined ? cause.message : `${cause.message}: ${why}`);
  }
}

/** Whether the endpoint accepts connections without a password. */
export async function opensToAll(endpoint: Endpoint): Promise<boolean> {
  try {
    const redis = await dial({ ...endpoint, login: {} });
    redis.disconnect();
    return true;
  } catch (error) {
    if (error instanceof DialError) return false;
    throw error;
  }
}

export function formatPlace({ host, port }: Place): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

export function isLoopback({ host }: Place): boolean {
  return host === "localhost" || host === "::1" || host.startsWith("127.");
}
