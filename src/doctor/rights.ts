/** The rights that a gateway's user needs, and whether a user has them: tried, for few may ask. */
import type { Redis } from "ioredis";

/** As in the line of docs/operations.md. `K` is a key of the doctor's own, `C` a channel. */
const TRIED: Readonly<Record<string, string>> = {
  fcall: "FCALL tertulia_doctor 1 K",
  "function|load": "FUNCTION LOAD #!none",
  info: "INFO server",
  "client|setname": "CLIENT SETNAME tertulia-doctor",
  publish: "PUBLISH C doctor",
  del: "DEL K",
  get: "GET K",
  hdel: "HDEL K f",
  hget: "HGET K f",
  hkeys: "HKEYS K",
  hlen: "HLEN K",
  hmget: "HMGET K f",
  hset: "HSET K f v odd", // refused for its number of words, after the rights
  pexpire: "PEXPIRE K none",
  sadd: "SADD K m", // the one that writes; the next but three takes it back
  scard: "SCARD K",
  smembers: "SMEMBERS K",
  srandmember: "SRANDMEMBER K",
  srem: "SREM K m",
  set: "SET K v XX",
  time: "TIME",
  wait: "WAIT 0 1",
  xadd: "XADD K NOMKSTREAM * f v",
  xlen: "XLEN K",
  xrange: "XRANGE K - +",
  xrevrange: "XREVRANGE K + -",
  xtrim: "XTRIM K MAXLEN 0",
  zadd: "ZADD K XX 1 m",
  zcard: "ZCARD K",
  zpopmin: "ZPOPMIN K",
  zrange: "ZRANGE K 0 0",
  zrem: "ZREM K m",
  subscribe: "SUBSCRIBE C", // the last: afterwards nothing else may be said
};

export const RIGHTS: readonly string[] = Object.keys(TRIED);

export interface Refused {
  /** Commands that this user may not run. */
  readonly commands: readonly string[];
  /** Commands that this server does not have, or has renamed. */
  readonly unknown: readonly string[];
  readonly isKeyRefused: boolean;
  readonly isChannelRefused: boolean;
}

/** Leaves nothing behind but a connection that is subscribed. */
export async function findRefused(redis: Redis, prefix: string): Promise<Refused> {
  const names: Readonly<Record<string, string>> = {
    K: `${prefix}:{00}:doctor`,
    C: `${prefix}:probe:doctor`,
  };
  const refused = { commands: [] as string[], unknown: [] as string[] };
  let [isKeyRefused, isChannelRefused] = [false, false];
  for (const [right, line] of Object.entries(TRIED)) {
    const [command = "", ...args] = line.split(" ").map((word) => names[word] ?? word);
    const said = await redis.call(command.toLowerCase(), ...args).then(
      () => "",
      (error: Error) => error.message,
    );
    if (/^ERR unknown (?:sub)?command/i.test(said)) refused.unknown.push(right);
    if (!said.startsWith("NOPERM")) continue;
    if (/\bkeys?\b/.test(said)) isKeyRefused = true;
    else if (/\bchannels?\b/.test(said)) isChannelRefused = true;
    else refused.commands.push(right);
  }
  return { ...refused, isKeyRefused, isChannelRefused };
}
