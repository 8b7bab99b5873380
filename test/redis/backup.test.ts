import { mkdir, mkdtemp, readFile, readdir, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Redis } from "ioredis";
import { WebSocket } from "ws";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  connect,
  type Cursors,
  type Published,
  type Tertulia,
} from "#tertulia/clients/sdk/tertulia.js";
import { startLocalRedis } from "#tertulia/local-redis/server.js";
import { readMessages } from "#verifier/truth.js";
import { eventually } from "../support/eventually.js";
import { node } from "../support/nodes.js";
import { redisTools, script } from "../support/redis-tools.js";
import { startRedis, type TestRedis } from "../support/redis.js";

const BACKUPS = 8;
const WRITERS = ["ana", "bob", "eva", "leo"];
const HOLE = "events are missing from the log";
/** Nothing is trimmed: numbers begin with 1. */
const KEEP_ALL = { HISTORY_KEEP: 1_000_000 };

const work = await mkdtemp(join(tmpdir(), "tertulia-backup-"));
const tools = await redisTools(join(work, "tools"));
if (tools === undefined) console.log("redis-cli is not here: backups are not tried");

describe.skipIf(tools === undefined)("a backup by deploy/backup/backup.sh", () => {
  let primary: TestRedis;
  let folder: string;
  let count = 0;

  beforeAll(async () => {
    primary = await startRedis("--repl-diskless-sync-delay", "0");
  });
  afterAll(async () => {
    await primary.close();
    await rm(work, { recursive: true, force: true });
  });
  beforeEach(async () => {
    await primary.client.flushall();
    folder = join(work, `backups-${++count}`);
    await mkdir(folder);
  });

  const path = { PATH: `${tools}:${process.env["PATH"]}` };
  async function backUp(more: Record<string, string> = {}): Promise<string> {
    const { code, said } = await tryToBackUp(more);
    expect(code, said).toBe(0);
    return join(folder, (await kept()).at(-1)!);
  }
  function tryToBackUp(more: Record<string, string>): ReturnType<typeof script> {
    const at = { REDIS_HOST: "127.0.0.1", REDIS_PORT: `${primary.port}`, BACKUP_DIR: folder };
    return script("deploy/backup/backup.sh", [], { ...path, ...at, ...more });
  }
  function restore(backup: string, dataDir: string): ReturnType<typeof script> {
    return script("deploy/restore/restore.sh", [backup, dataDir], path);
  }
  async function kept(): Promise<string[]> {
    return (await readdir(folder)).filter((name) => name.endsWith(".rdb")).toSorted();
  }

  test(`each of ${BACKUPS} under writes is restored: all that was acknowledged before it is there, and the chat goes on`, async () => {
    const said: { text: string; at: Published }[] = [];
    const nodes = [await node(primary.url, KEEP_ALL), await node(primary.url, KEEP_ALL)];
    const [chats, stop] = await talk(
      nodes.map(({ port }) => port),
      said,
    );
    const backups: { file: string; before: string[] }[] = [];
    let replica: TestRedis | undefined;
    try {
      for (let i = 0; i < BACKUPS; i++) {
        // half of them from the primary, half from a replica
        if (i === BACKUPS / 2) replica = await startReplicaOf(primary);
        const until = said.length + 100;
        await eventually(() => expect(said.length).toBeGreaterThan(until));
        const before = said.map(({ text }) => text);
        backups.push({ file: await backUp(), before });
        await pause(1_001 - (Date.now() % 1_000)); // names have seconds
      }
    } finally {
      await stop();
      await Promise.all(nodes.map((each) => each.close()));
      await replica?.kill();
      await replica?.close();
    }
    // nobody noticed: a backup is no failover
    const holes = nodes.map(({ log }) => log.filter(({ msg }) => msg === HOLE));
    expect(holes).toEqual([[], []]);
    expect(chats.flatMap(({ gaps }) => gaps)).toEqual([]);
    const { cursors } = chats[0]!.chat;
    const taken = new Set(said.map(({ at }) => `${at.conv} ${at.epoch} ${at.seq}`));
    await Promise.all(backups.map(({ file, before }) => tryRestored(file, before, taken, cursors)));
  }, 240_000);

  async function tryRestored(
    file: string,
    before: string[],
    taken: Set<string>,
    cursors: Cursors,
  ): Promise<void> {
    const dataDir = await mkdtemp(join(work, "restored-"));
    await mkdir(join(dataDir, "appendonlydir"));
    await writeFile(join(dataDir, "appendonlydir/appendonly.aof.manifest"), "what was there\n");
    expect(await restore(file, dataDir)).toMatchObject({ code: 0 });
    const redis = await startLocalRedis({ dataDir, extra: ["--appendfsync", "no"] });
    const client = new Redis(redis.url);
    try {
      const messages = await readMessages(client);
      const there = new Set(messages.map(({ id }) => id));
      expect(before.filter((id) => !there.has(id))).toEqual([]);
      expect(there.size).toBe(messages.length);
      await expectConsistent(client, messages);
      const heads = await headsOf(client);
      const gateway = await node(redis.url, KEEP_ALL);
      const url = `ws://127.0.0.1:${gateway.port}`;
      const ana = connect(url, { name: "ana", cursors, WebSocket });
      const gap = ana.once("gap"); // she has seen more than this Redis knows
      const said = await ana.publish("~", "~ after.1");
      const told = await ana.publish("@bob", "ana|bob after.2");
      await gap;
      await ana.close();
      await gateway.close();
      for (const { conv, epoch, seq } of [said, told]) {
        expect(taken).not.toContain(`${conv} ${epoch} ${seq}`);
      }
      const after = await readMessages(client);
      expect(after).toHaveLength(messages.length + 2);
      await expectConsistent(client, after);
      // positions of the logs go on in a generation that never was
      const newest = Math.max(...heads.values());
      const changed = [...(await headsOf(client))].filter(([log, g]) => g !== heads.get(log));
      expect(changed.length).toBeGreaterThan(0);
      for (const [, g] of changed) expect(g).toBeGreaterThan(newest);
    } finally {
      client.disconnect();
      await redis.close();
    }
  }

  test("a restore keeps the data that was there before", async () => {
    await primary.client.set("tertulia:x", "1");
    const file = await backUp();
    const dataDir = await mkdtemp(join(work, "restored-"));
    await writeFile(join(dataDir, "dump.rdb"), "old");
    await restore(file, dataDir);
    const before = (await readdir(dataDir)).find((name) => name.startsWith("before-restore-"));
    expect(await readFile(join(dataDir, before!, "dump.rdb"), "utf8")).toBe("old");
    expect((await readdir(dataDir)).toSorted()).toEqual(["appendonlydir", before]);
  });

  test("a damaged backup is not restored, and the data stays", async () => {
    await primary.client.set("tertulia:x", "1");
    const file = await backUp();
    const dataDir = await mkdtemp(join(work, "restored-"));
    await writeFile(join(dataDir, "dump.rdb"), "old");
    await truncate(file, (await stat(file)).size - 3);
    expect(await restore(file, dataDir)).toMatchObject({
      code: 1,
      said: expect.stringContaining("checksum"),
    });
    await rm(`${file}.sha256`);
    expect(await restore(file, dataDir)).toMatchObject({
      code: 1,
      said: expect.stringContaining("no good RDB"),
    });
    expect(await readdir(dataDir)).toEqual(["dump.rdb"]);
  });

  test("as many backups are kept as configured; none is deleted when a backup fails or Redis is empty", async () => {
    await primary.client.set("tertulia:x", "1");
    const old = ["20200101T000000Z", "20200102T000000Z", "20200103T000000Z"];
    for (const time of old) {
      await writeFile(join(folder, `tertulia-${time}.rdb`), "");
      await writeFile(join(folder, `tertulia-${time}.rdb.sha256`), "");
    }
    // not whole: it counts as none
    await writeFile(join(folder, "tertulia-20990101T000000Z.rdb"), "");
    await writeFile(join(folder, "mine.rdb"), "");
    const all = await kept();
    expect((await tryToBackUp({ REDIS_PORT: "1", KEEP: "1" })).code).not.toBe(0);
    expect((await tryToBackUp({ KEEP: "0" })).code).not.toBe(0);
    expect(await kept()).toEqual(all);
    await primary.client.flushall();
    expect(await tryToBackUp({ KEEP: "1" })).toMatchObject({
      code: 0,
      said: expect.stringContaining("empty"),
    });
    expect(await kept()).toHaveLength(all.length + 1);
    await primary.client.set("tertulia:x", "1");
    await pause(1_001 - (Date.now() % 1_000));
    expect(await tryToBackUp({ KEEP: "2" })).toMatchObject({ code: 0 });
    const left = await kept();
    expect(left.filter((name) => name.startsWith("tertulia-2020"))).toEqual([]);
    expect(left).toHaveLength(4);
    expect((await readdir(folder)).filter((name) => name.startsWith("."))).toEqual([]);
  });

  test("a file tells Prometheus when the last successful backup was taken", async () => {
    const began = Math.floor(Date.now() / 1_000);
    await backUp();
    const told = await readFile(join(folder, "tertulia.prom"), "utf8");
    const at = /^tertulia_backup_last_success_timestamp_seconds (\d+)\n$/.exec(told)?.[1];
    expect(Number(at)).toBeGreaterThanOrEqual(began);
    expect((await stat(join(folder, "tertulia.prom"))).mode & 0o777).toBe(0o644);
    expect((await tryToBackUp({ REDIS_PORT: "1" })).code).not.toBe(0);
    expect(await readFile(join(folder, "tertulia.prom"), "utf8")).toBe(told);
  });

  test("a file is for its owner only; a wrong password, a replica for a primary, and no folder are errors", async () => {
    await primary.client.set("tertulia:x", "1");
    const file = await backUp();
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const password = join(folder, "password");
    await writeFile(password, "secret\n");
    await primary.client.config("SET", "requirepass", "secret");
    try {
      expect((await tryToBackUp({})).code).not.toBe(0);
      await pause(1_001 - (Date.now() % 1_000));
      await backUp({ REDIS_PASSWORD_FILE: password });
    } finally {
      await primary.client.config("SET", "requirepass", "");
    }
    expect((await tryToBackUp({ BACKUP_DIR: join(folder, "none") })).said).toContain("no folder");
    const replica = await startReplicaOf(primary);
    const { code, said } = await tryToBackUp({ REDIS_PORT: `${replica.port}` });
    expect([code, said]).toEqual([1, expect.stringContaining("no primary")]);
    await replica.kill();
    await replica.close();
  });
});

interface Chatter {
  readonly chat: Tertulia;
  readonly gaps: unknown[];
}

/** Everybody writes to all and to the others without a pause; returns what ends it. */
async function talk(
  ports: readonly number[],
  said: { text: string; at: Published }[],
): Promise<[Chatter[], () => Promise<void>]> {
  const end = new AbortController();
  const chatters = WRITERS.map((name, i) => {
    const chat = connect(`ws://127.0.0.1:${ports[i % ports.length]!}`, { name, WebSocket });
    const gaps: unknown[] = [];
    chat.on("gap", (gap) => gaps.push(gap));
    return { chat, gaps };
  });
  await Promise.all(chatters.map(({ chat }) => chat.joined()));
  const running = chatters.map(async ({ chat }, i) => {
    const name = WRITERS[i]!;
    for (let n = 0; !end.signal.aborted; n++) {
      const to = n % 2 === 0 ? "~" : WRITERS[(i + 1) % WRITERS.length]!;
      const conv = to === "~" ? to : [name, to].toSorted().join("|");
      const text = `${name}.${n}`;
      const at = await chat.publish(to === "~" ? to : `@${to}`, `${conv} ${text}`);
      said.push({ text, at: to === "~" ? at : { ...at, conv } });
    }
  });
  const stop = async (): Promise<void> => {
    end.abort();
    await Promise.all(running);
    await Promise.all(chatters.map(({ chat }) => chat.close()));
  };
  return [chatters, stop];
}

async function startReplicaOf(primary: TestRedis): Promise<TestRedis> {
  const replica = await startRedis(
    "--replicaof",
    `127.0.0.1 ${primary.port}`,
    "--replica-announce-ip",
    "127.0.0.1",
  );
  await eventually(async () =>
    expect(await primary.client.info("replication")).toMatch(/slave\d:ip=127.0.0.1,.*state=online/),
  );
  return replica;
}

/** The numbers of each conversation have no hole, and what is kept beside them says the same. */
async function expectConsistent(
  redis: Redis,
  messages: Awaited<ReturnType<typeof readMessages>>,
): Promise<void> {
  const byConv = new Map<string, number[]>();
  for (const { conv, seq } of messages) byConv.set(conv, [...(byConv.get(conv) ?? []), seq]);
  for (const numbers of byConv.values()) {
    numbers.sort((a, b) => a - b);
    expect(numbers).toEqual(numbers.map((_, i) => i + 1));
  }
  const heads: number[] = [];
  for (const key of await redis.keys("tertulia:*:conversation:*")) {
    heads.push(Number(await redis.hget(key, "seq")));
  }
  const last = [...byConv.values()].map((numbers) => numbers.at(-1)!);
  expect(heads.toSorted((a, b) => a - b)).toEqual(last.toSorted((a, b) => a - b));
  for (const meta of await redis.keys("tertulia:*:meta")) {
    const [g, n] = await redis.hmget(meta, "g", "n");
    const [newest] = await redis.xrevrange(meta.replace(/meta$/, "log"), "+", "-", "COUNT", 1);
    // nothing was said in this generation yet, or the log ends where the bucket is
    if (n !== "0") expect(newest?.[0]).toBe(`${g}-${n}`);
  }
}

/** By log: the generation of its bucket. */
async function headsOf(redis: Redis): Promise<Map<string, number>> {
  const heads = new Map<string, number>();
  for (const meta of await redis.keys("tertulia:*:meta")) {
    heads.set(meta.replace(/meta$/, "log"), Number(await redis.hget(meta, "g")));
  }
  return heads;
}
