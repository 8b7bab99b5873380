/** The rights that a gateway's user needs. Whether a user has them is found by trying: few may ask Redis for them. */
import type { Redis } from "ioredis";

/** The rights as in the ACL line of docs/operations.md, each with a command to try. `K` is a key of the doctor's own, `C` a channel. */
const TRIED: Readonly<Record<string, string>> = {
  fcall: "FCALL tertulia_doctor 1 K",
  "function|load": "FUNCTION LOAD #!none",
  info: "INFO server",
  "client|setname": "CLIENT SETNAME tertulia-doctor",
  publish: "PUBLISH C doctor",
  del: "DEL K",
  get: "GET K",
  hdel: "HDEL K f",
  hexists: "HEXISTS K f",
  hget: "HGET K f",
  hgetall: "HGETALL K",
  hkeys: "HKEYS K",
  hlen: "HLEN K",
  hmget: "HMGET K f",
  hset: "HSET K f v odd", // Redis checks rights first, then refuses the number of arguments
  pexpire: "PEXPIRE K none",
  sadd: "SADD K m", // the only one that writes; SREM below takes it back
  scard: "SCARD K",
  smembers: "SMEMBERS K",
  srandmember: "SRANDMEMBER K",
  srem: "SREM K m",
  set: "SET K v XX",
  time: "TIME",
  unlink: "UNLINK K",
  wait: "WAIT 0 1",
  xadd: "XADD K NOMKSTREAM * f v",
  xdel: "XDEL K 0-1",
  xlen: "XLEN K",
  xrange: "XRANGE K - +",
  xrevrange: "XREVRANGE K + -",
  xtrim: "XTRIM K MAXLEN 0",
  zadd: "ZADD K XX 1 m",
  zcard: "ZCARD K",
  zpopmin: "ZPOPMIN K",
  zrange: "ZRANGE K 0 0",
  zrem: "ZREM K m",
  subscribe: "SUBSCRIBE C", // the last one: afterwards the connection takes no other command
};

export const RIGHTS: readonly string[] = Object.keys(TRIED);

export interface Refused {
  /** Commands that this user may not run. */
  readonly commands: readonly string[];
  /** Commands that this server does not know, or has renamed. */
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
