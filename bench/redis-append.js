/**
 * What storing a message costs Redis: `node bench/redis-append.js`.
 *
 *     node bench/redis-append.js                       CPU per message, and memory per message id
 *     node bench/redis-append.js --messages 50000 --rounds 5
 *     node bench/redis-append.js --json                the same for a program: `npm run bench` asks for it
 *
 * One Redis (appendonly, fsync everysec), this build's functions, calls made in advance and sent in deep pipelines, so
 * that Redis is never idle. CPU time is that of its process, from /proc. Each figure stands beside that of a function
 * that does only XADD, HSET and PUBLISH, one message a call. Linux only.
 */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { Redis } from "ioredis";

const { values } = parseArgs({
  options: {
    dist: { type: "string", default: resolve(import.meta.dirname, "../dist") },
    messages: { type: "string", default: "40000" },
    rounds: { type: "string", default: "3" },
    appendonly: { type: "string", default: "yes" },
    only: { type: "string", default: "" },
    json: { type: "boolean", default: false },
  },
});
const dist = resolve(values.dist);
const { freePort, startLocalRedis } = await import(join(dist, "local-redis/server.js"));
const { readFunctionSource } = await import(join(dist, "redis/function-library.js"));
const { Keys } = await import(join(dist, "redis/keys.js"));

const MESSAGES = Number(values.messages);
const TEXT = Buffer.alloc(64, "x");
const USERS = 200;
/** Commands of one write to the socket; two such writes are under way. */
const DEPTH = 200;

const BASE = `#!lua name=base
redis.register_function('base', function(keys, args)
  redis.call('XADD', keys[1], 'MAXLEN', '~', args[2], '*', 'm', args[1])
  redis.call('HSET', keys[2], 'seq', args[3])
  redis.call('PUBLISH', keys[3], args[1])
end)`;

const keys = new Keys("b");
const source = await readFunctionSource();
const user = (i) => `user-${i % USERS}`;
const direct = (i) => ({ kind: "direct", between: [user(i), user(i + 1)].toSorted() });
const general = { kind: "general" };

/** Calls of `append` for so many messages each, as redis/append-queue.ts makes them. */
function append(kind, count, size, hasIds) {
  const calls = [];
  for (let i = 0; i < count; i += size) {
    const names = [keys.meta(0), keys.log(0), keys.nodes(0)];
    const head = Buffer.alloc(17);
    const args = ["node", 1_000, head];
    const firsts = new Map();
    for (let j = i; j < i + size; j++) {
      const conversation = kind === "private" ? direct(j) : general;
      const [author, other] = [user(j), kind === "private" ? user(j + 1) : ""];
      const of = keys.conversation(0, conversation);
      const hasAll = j < USERS; // as a gateway does: the first time, and each half minute
      if (!firsts.has(of)) {
        firsts.set(of, names.length + 1);
        names.push(of, keys.history(0, conversation));
        for (const name of other !== "" && hasAll ? [author, other] : []) {
          names.push(keys.inbox(0, name), keys.marks(0, name));
        }
      }
      const mid = `mid-of-21-letters-${j}`;
      const id = createHash("sha256")
        .update(mid)
        .digest()
        .subarray(0, hasIds ? 14 : 0);
      const first = firsts.get(of);
      const start = Buffer.from([first >> 8, first & 255, hasAll ? 1 : 0, id.length]);
      args.push(Buffer.concat([start, id, ...[mid, author, other].map(field), TEXT]));
    }
    head.writeUIntBE(i + 1, 0, 6);
    head.writeUIntBE(86_400_000, 6, 6);
    if (hasIds) head.writeUInt16BE(names.push(...keys.ids(0)) - 1, 13);
    calls.push(["FCALL", `append_${source.version}`, names.length, ...names, ...args, "0-0"]);
  }
  return calls;
}

function field(text) {
  return Buffer.from(`${String.fromCharCode(text.length)}${text}`, "latin1");
}

function base(kind, from, count) {
  const calls = [];
  for (let i = from; i < from + count; i++) {
    const conversation = kind === "private" ? direct(i) : general;
    calls.push([
      "FCALL",
      "base",
      3,
      keys.history(1, conversation),
      keys.conversation(1, conversation),
      keys.log(1),
      TEXT,
      1_000,
      i,
    ]);
  }
  return calls;
}

function encoded(words) {
  const parts = [Buffer.from(`*${words.length}\r\n`)];
  for (const word of words) {
    const bytes = Buffer.isBuffer(word) ? word : Buffer.from(String(word), "latin1");
    parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from("\r\n"));
  }
  return Buffer.concat(parts);
}

/** Sends all, a few hundred commands ahead. @throws Error at the first error reply */
async function saturate(port, calls) {
  const writes = [];
  for (let i = 0; i < calls.length; i += DEPTH) {
    const part = calls.slice(i, i + DEPTH).map(encoded);
    writes.push(Buffer.concat([...part, encoded(["ECHO", "all-of-a-write"])]));
  }
  const socket = connect({ host: "127.0.0.1", port });
  await once(socket, "connect");
  let [sent, answered, last] = [0, 0, ""];
  const send = () => sent < writes.length && socket.write(writes[sent++]);
  await new Promise((done, failed) => {
    socket.on("data", (bytes) => {
      const text = last + bytes.toString("latin1");
      const error = /(?:^|\n)-[A-Z]+ [^\r\n]*/.exec(text);
      if (error !== null) return failed(new Error(error[0]));
      const marks = text.split("all-of-a-write").length - 1;
      last = text.slice(-13);
      for (let i = 0; i < marks; i++) {
        answered++;
        send();
      }
      if (answered === writes.length) done();
    });
    send();
    send();
  }).finally(() => socket.destroy());
}

function cpuMs(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ").at(-1).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

async function withRedis(use) {
  const [dataDir, port] = [await mkdtemp(join(tmpdir(), "append-")), await freePort()];
  const server = await startLocalRedis({
    dataDir,
    port,
    extra: ["--appendonly", values.appendonly, "--appendfsync", "everysec"],
  });
  const client = new Redis({ port, host: "127.0.0.1" });
  try {
    await client.call("FUNCTION", "LOAD", source.source);
    await client.call("FUNCTION", "LOAD", BASE);
    const beat = [keys.meta(0), keys.log(0), keys.nodes(0), ...keys.ids(0)];
    await client.call(
      "FCALL",
      `beat_${source.version}`,
      5,
      ...beat,
      "node",
      600_000,
      2_500,
      "join",
      "",
      "0-0",
    );
    return await use({ port, client, pid: server.child.pid });
  } finally {
    client.disconnect();
    await server.close();
    await rm(dataDir, { recursive: true });
  }
}

/** Microseconds of Redis per message, after a warm-up. */
function cost(calls, each = 1) {
  return withRedis(async ({ port, pid }) => {
    const warm = Math.floor(calls.length / 5);
    await saturate(port, calls.slice(0, warm));
    const before = cpuMs(pid);
    await saturate(port, calls.slice(warm));
    return ((cpuMs(pid) - before) * 1_000) / ((calls.length - warm) * each);
  });
}

function memoryPerId(count) {
  return withRedis(async ({ port, client }) => {
    await saturate(port, append("general", count, 10, true));
    const used = async () => Number(/used_memory:(\d+)/.exec(await client.info("memory"))[1]);
    const before = await used();
    await client.del(...keys.ids(0));
    return (before - (await used())) / count;
  });
}

const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
const rows = [];
for (const kind of ["general", "private"]) {
  rows.push({
    name: `base ${kind}`,
    kind,
    calls: () => base(kind, 0, MESSAGES),
    size: 1,
    isBase: true,
  });
  for (const size of [1, 10]) {
    for (const hasIds of [false, true]) {
      const name = `${kind}, ${size} a call${hasIds ? ", with ids" : ""}`;
      rows.push({ name, kind, size, calls: () => append(kind, MESSAGES, size, hasIds) });
    }
  }
}
const found = new Map(rows.map((row) => [row, []]));
for (let round = 0; round < Number(values.rounds); round++) {
  for (const row of rows)
    if (row.name.includes(values.only) || row.isBase)
      found.get(row).push(await cost(row.calls(), row.size));
}
const medians = new Map([...found].map(([row, each]) => [row, median(each)]));
const costs = rows
  .filter((row) => found.get(row).length > 0)
  .map((row) => {
    const of = rows.find((each) => each.isBase && each.kind === row.kind);
    return { name: row.name, us: medians.get(row), times: medians.get(row) / medians.get(of) };
  });
const idBytes = values.only === "" ? await memoryPerId(100_000) : undefined;
if (values.json) console.log(JSON.stringify({ costs, idBytes }));
else {
  for (const { name, us, times } of costs) {
    console.log(`${name.padEnd(28)} ${us.toFixed(2).padStart(7)} µs  ${times.toFixed(2)} ×`);
  }
  if (idBytes !== undefined) console.log(`memory per id: ${idBytes.toFixed(0)} B`);
}
