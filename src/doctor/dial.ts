/** One connection, tried once: there, or why not. */
import { Redis } from "ioredis";
import type { Access } from "../redis/access.js";
import type { Login, Place } from "../redis/address.js";
import { whyPerhaps, whyRefused, type Peer } from "../redis/refusal.js";

const WITHIN_MS = 3_000;

/** The message says what happened and, if that is known, what to do about it. */
export class DialError extends Error {
  override readonly name = "DialError";
}

export interface Door {
  readonly at: Place;
  readonly peer: Peer;
  readonly login: Login;
  readonly tls: Access["tls"];
}

/** @throws DialError */
export async function dial({ at, peer, login, tls }: Door): Promise<Redis> {
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
  let told: Error | undefined;
  redis.on("error", (error: Error) => (told ??= error));
  try {
    await redis.connect();
    await redis.call("PING").catch((error: Error) => {
      // a right that a gateway does not need
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

/** Whether anybody is let in without a password. */
export async function opensToAll(door: Door): Promise<boolean> {
  try {
    const redis = await dial({ ...door, login: {} });
    redis.disconnect();
    return true;
  } catch (error) {
    if (error instanceof DialError) return false;
    throw error;
  }
}

export function shown({ host, port }: Place): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

export function isLoopback({ host }: Place): boolean {
  return host === "localhost" || host === "::1" || host.startsWith("127.");
}
