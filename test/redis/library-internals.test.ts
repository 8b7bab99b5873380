/**
 * What we lean on in `ioredis` beyond what it promises: ARCHITECTURE.md, libraries' internals. The servers here say
 * what a test wants, in Redis' protocol.
 */
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, Socket, type AddressInfo } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { createServer as createTlsServer, TLSSocket } from "node:tls";
import { Redis, type RedisOptions } from "ioredis";
import { afterEach, expect, test, vi } from "vitest";
import { dial } from "#tertulia/doctor/dial.js";
import { observe } from "#tertulia/observe.js";
import { certificateEnd, connectRedis, giveUp } from "#tertulia/redis/connect.js";
import {
  changeOptions,
  ERROR_TEXTS,
  isOfAllSentinels,
  onSentinelConnection,
  socketOf,
} from "#tertulia/redis/library-internals.js";
import { whyPerhaps } from "#tertulia/redis/refusal.js";
import { makeCertificates } from "../support/certificates.js";
import { eventually } from "../support/eventually.js";

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

test("every connection to a sentinel is made by connectToSentinel: none of its errors goes past the log", async () => {
  const printed = vi.spyOn(console, "error").mockImplementation(() => {});
  const primary = await server(redisSays);
  const sentinel = await server(sentinelSays(primary.port));
  const { redis, log } = connection(`redis+sentinel://127.0.0.1:${sentinel.port}/main`);
  let made = 0;
  onSentinelConnection(
    redis,
    () => {},
    () => made++,
  );
  const isWatching = new Promise<void>((resolve) => redis.once("failoverSubscribed", resolve));
  await redis.connect();
  await isWatching;
  expect(sentinel.heard.filter(isSubscription)).toHaveLength(1);
  expect(made).toBe(2); // one that asks, one that watches
  await sentinel.close();
  await eventually(() => expect(log().some(({ peer }) => peer === "sentinel")).toBe(true));
  expect(printed.mock.calls).toEqual([]);
  printed.mockRestore();
});

test("an option that is changed is the one of the next connection, to Redis and to sentinels", async () => {
  const primary = await server(redisSays);
  const sentinel = await server(sentinelSays(primary.port));
  const passwords = { REDIS_PASSWORD: "one", SENTINEL_PASSWORD: "uno" };
  const { redis } = connection(`redis+sentinel://127.0.0.1:${sentinel.port}/main`, passwords);
  changeOptions(redis, { sentinelReconnectStrategy: () => 20 }); // not after a minute
  await redis.connect();
  await eventually(() => expect(passwordsIn(sentinel.heard)).toEqual(["uno", "uno"]));
  expect(passwordsIn(primary.heard)).toEqual(["one"]);
  Object.assign(passwords, { REDIS_PASSWORD: "two", SENTINEL_PASSWORD: "dos" });
  primary.cut();
  await eventually(() => expect(passwordsIn(primary.heard)).toEqual(["one", "two"]));
  expect(passwordsIn(sentinel.heard)).toContain("dos");
  // a watching connection that comes back by itself
  const before = sentinel.heard.length;
  sentinel.cut();
  await eventually(() => expect(passwordsIn(sentinel.heard.slice(before))[0]).toBe("dos"));
});

test("a sentinel that knows no such primary, and sentinels that are away, are told apart", async () => {
  const sentinel = await server((words) => (isQuestion(words) ? "*-1\r\n" : "+OK\r\n"));
  const { redis, log } = connection(`redis+sentinel://127.0.0.1:${sentinel.port}/main`);
  redis.connect().catch(() => {});
  await eventually(() =>
    expect(reasons(log())).toContain("it knows no primary of the name in REDIS_URL"),
  );
  const errors: Error[] = [];
  redis.on("error", (error: Error) => errors.push(error));
  await sentinel.close();
  await eventually(() => expect(errors.some(isOfAllSentinels)).toBe(true));
});

test("stream, which is marked as internal, is the socket of a connection, with TLS the one that has the certificate", async () => {
  const plain = bare(await server(redisSays));
  expect(socketOf(plain)).toBeUndefined();
  expect(certificateEnd(plain)).toBe(0);
  await plain.connect();
  expect(socketOf(plain)).toBeInstanceOf(Socket);
  expect(certificateEnd(plain)).toBe(0);

  const certificates = makeCertificates();
  cleanups.push(() => certificates.remove());
  const [cert, key] = ["server.crt", "server.key"].map((each) =>
    readFileSync(certificates.at(each)),
  );
  const listening = await server(redisSays, (heard) => createTlsServer({ cert, key }, heard));
  const redis = bare(listening, { tls: { rejectUnauthorized: false } });
  expect(certificateEnd(redis)).toBe(0);
  await redis.connect();
  const { validTo } = new X509Certificate(cert!);
  expect(certificateEnd(redis)).toBe(Date.parse(validTo) / 1_000);
});

test("a command without an answer, and a connection that is not there in time, say so in these words", async () => {
  const silent = await server(() => "");
  const late = bare(silent, { commandTimeout: 50 });
  await late.connect();
  const error = await late.ping().catch((reason: unknown) => reason as Error);
  expect(error).toMatchObject({ message: ERROR_TEXTS.commandTimedOut });
  expect(whyPerhaps(error as Error, true)).toContain("it speaks no TLS on this port");

  // a server without TLS does not answer the handshake
  const errors: Error[] = [];
  const dialling = bare(silent, { tls: {}, connectTimeout: 50 });
  dialling.on("error", (each) => errors.push(each));
  await dialling.connect().catch(() => {});
  expect(errors.map(({ message }) => message)).toEqual([
    expect.stringContaining(ERROR_TEXTS.connectTimedOut),
  ]);
  expect(whyPerhaps(errors[0]!, true)).toContain("it speaks no TLS on this port");
});

test("a connection that is hung up while it is made, and a command on one, say so in these words", async () => {
  const rude = await server(redisSays, () => createServer((socket) => socket.end()));
  const redis = bare(rude, { enableReadyCheck: true });
  const error = await redis.connect().catch((reason: unknown) => reason as Error);
  expect(error).toMatchObject({ message: ERROR_TEXTS.closed });
  await expect(redis.ping()).rejects.toThrow(ERROR_TEXTS.closed);
  expect(whyPerhaps(error as Error, false)).toContain("perhaps it wants TLS");
});

test("a socket that fails twice does not end the process", async () => {
  const primary = await server(redisSays);
  const sentinel = await server(sentinelSays(primary.port));
  const { redis } = connection(`redis+sentinel://127.0.0.1:${sentinel.port}/main`);
  const made: Redis[] = [redis];
  onSentinelConnection(
    redis,
    () => {},
    (each) => made.push(each),
  );
  const isWatching = new Promise<void>((resolve) => redis.once("failoverSubscribed", resolve));
  await redis.connect();
  await isWatching;
  expect(made).toHaveLength(3);
  const at = { host: "127.0.0.1", port: primary.port };
  made.push(await dial({ at, peer: "redis", login: {}, tls: undefined }));
  for (const { stream } of made) {
    // as Node does when an alert comes over TLS 1.3: the socket stays open
    for (const what of ["alert", "reset"]) stream.emit("error", new Error(what));
  }
  made.at(-1)!.disconnect();
});

test("a connection that the library has ended can be made again", async () => {
  const primary = await server(redisSays);
  const { redis } = connection(`redis://127.0.0.1:${primary.port}`);
  await redis.connect();
  await endedByLibrary(redis);
  await eventually(() => expect(redis.status).toBe("ready"));
});

test("a connection that is given up after the library has ended it is not made again", async () => {
  const primary = await server(redisSays);
  const { redis } = connection(`redis://127.0.0.1:${primary.port}`);
  await redis.connect();
  await endedByLibrary(redis);
  const connect = vi.spyOn(redis, "connect");
  giveUp(redis);
  await pause(700); // it would have been made again by now
  expect(connect).not.toHaveBeenCalled();
});

async function endedByLibrary(redis: Redis): Promise<void> {
  const ended = new Promise<void>((resolve) => redis.once("end", () => resolve()));
  redis.disconnect();
  await ended;
}

interface FakeServer {
  readonly port: number;
  /** Each command, in the order in which they came on all connections. */
  readonly heard: string[][];
  /** Resets all connections. */
  cut(): void;
  close(): Promise<void>;
}

async function server(
  answer: (words: string[]) => string,
  create: (heard: (socket: Socket) => void) => ReturnType<typeof createServer> = createServer,
): Promise<FakeServer> {
  const sockets = new Set<Socket>();
  const heard: string[][] = [];
  const listener = create((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => {
      for (const words of commandsIn(chunk)) {
        heard.push(words);
        socket.write(answer(words));
      }
    });
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const cut = (): void => {
    for (const socket of sockets) {
      if (socket instanceof TLSSocket) socket.destroy();
      else socket.resetAndDestroy();
    }
  };
  const close = async (): Promise<void> => {
    const closed = new Promise((resolve) => listener.close(resolve));
    cut();
    await closed;
  };
  cleanups.push(() => void close());
  return { port: (listener.address() as AddressInfo).port, heard, cut, close };
}

/** What a client sends in one piece: arrays of texts. */
function commandsIn(chunk: Buffer): string[][] {
  const lines = chunk.toString().split("\r\n");
  const commands: string[][] = [];
  for (let i = 0; lines[i]?.startsWith("*") === true;) {
    const count = Number(lines[i]!.slice(1));
    commands.push(Array.from({ length: count }, (_, word) => lines[i + 2 + 2 * word]!));
    i += 1 + 2 * count;
  }
  return commands;
}

function redisSays([command = ""]: string[]): string {
  const about = "redis_version:8.0.0\r\nrole:master\r\n";
  return command.toLowerCase() === "info" ? `$${about.length}\r\n${about}\r\n` : "+OK\r\n";
}

function sentinelSays(port: number): (words: string[]) => string {
  return (words) => {
    if (isQuestion(words)) return `*2\r\n$9\r\n127.0.0.1\r\n$${String(port).length}\r\n${port}\r\n`;
    if (isSubscription(words)) return "*3\r\n$9\r\nsubscribe\r\n$14\r\n+switch-master\r\n:1\r\n";
    return words[0]?.toLowerCase() === "sentinel" ? "*0\r\n" : "+OK\r\n";
  };
}

function isQuestion([command, what]: string[]): boolean {
  return command?.toLowerCase() === "sentinel" && what === "get-master-addr-by-name";
}

function isSubscription([command]: string[]): boolean {
  return command?.toLowerCase() === "subscribe";
}

function passwordsIn(heard: readonly string[][]): string[] {
  return heard.filter(hasPassword).map((words) => words.at(-1)!);
}

/** By AUTH, or HELLO with AUTH in it. */
function hasPassword(words: string[]): boolean {
  return words.some((word) => word.toLowerCase() === "auth");
}

interface Line {
  readonly peer?: string;
  readonly why?: string;
}

function reasons(lines: readonly Line[]): (string | undefined)[] {
  return lines.map(({ why }) => why);
}

/** A connection without anything that a node adds, tried once. */
function bare({ port }: FakeServer, options: RedisOptions = {}): Redis {
  const redis = new Redis({
    port,
    lazyConnect: true,
    disableClientInfo: true,
    enableReadyCheck: false,
    protocol: 2, // nothing is said before the first command
    retryStrategy: () => null,
    ...options,
  } as RedisOptions & { replyMapping?: never });
  redis.on("error", () => {});
  cleanups.push(() => redis.disconnect());
  return redis;
}

/** As a node makes it; with what it has logged. */
function connection(
  url: string,
  passwords: { REDIS_PASSWORD?: string; SENTINEL_PASSWORD?: string } = {},
): { readonly redis: Redis; readonly log: () => Line[] } {
  let text = "";
  const { log } = observe("info", "test", { write: (line: string) => void (text += line) });
  const access = (): { url: string; password?: string; sentinelPassword?: string } => ({
    url,
    ...(passwords.REDIS_PASSWORD !== undefined && { password: passwords.REDIS_PASSWORD }),
    ...(passwords.SENTINEL_PASSWORD !== undefined && {
      sentinelPassword: passwords.SENTINEL_PASSWORD,
    }),
  });
  const settings = { ...access(), again: access, commandTimeoutMs: 1_500 };
  const redis = connectRedis(settings, "command", log);
  cleanups.push(() => giveUp(redis));
  return {
    redis,
    log: () =>
      text
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Line),
  };
}
