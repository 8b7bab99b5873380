/**
 * Clients that come and go, a process of its own: `fork(roamers.js, ports)`. Each takes one of a few names, in one of the
 * dialects, asks what clients ask, says something, perhaps reads nothing, and leaves after some seconds, with a word or
 * without. It says how many came.
 */
import { setTimeout as pause } from "node:timers/promises";
import { dial, frame, json, op } from "./sockets.js";

const ROAMERS = 12;
const NAMES_EACH = 4;
const STAY_MS = [500, 5_000];
const TELL_EVERY_MS = 5_000;
/** One of so many reads nothing. */
const SLOW = 6;
const CLOSE = frame(Buffer.from([3, 232]), 0x88);

process.once("disconnect", () => process.exit());
const ports = process.argv.slice(2).map(Number);
const counts = { opened: 0, refused: 0, ended: 0, receivedBytes: 0, answers: {} };
for (let i = 0; i < ROAMERS; i++) void roam(i);
setInterval(() => process.send({ counts }), TELL_EVERY_MS);

async function roam(i) {
  for (let round = 0; ; round++) {
    const name = `roamer-${i}-${round % NAMES_EACH}`;
    const isJson = i % 3 === 2;
    const socket = await dial(
      {
        port: ports[(i + round) % ports.length],
        from: `127.0.8.${i + 1}`,
        target: isJson ? "/ws" : `/?name=${name}`,
        subprotocol: i % 3 === 1 ? "ws-protocol" : undefined,
        first: isJson ? hello(name) : undefined,
        reads: (i + round) % SLOW !== 0,
      },
      counts,
    );
    const said = isJson ? jsonTalk(name) : byteTalk(name);
    for (const each of said) {
      socket?.write(each);
      await pause(between(...STAY_MS) / said.length);
    }
    if (round % 2 === 0) socket?.write(CLOSE);
    await pause(50);
    socket?.destroy();
  }
}

function hello(name) {
  const cursors = { "~": ["0", 0], "@h0": ["0", 0] };
  return json({ type: "hello", name, key: `key-of-${name}`, resume: cursors });
}

function jsonTalk(name) {
  return [
    json({ type: "presence" }),
    json({ type: "history", limit: 50 }),
    json({ type: "publish", text: `a word of ${name}` }),
    json({ type: "typing", conv: "@h0" }),
    json({ type: "publish", conv: "@h0", text: "a private word" }),
    json({ type: "status", status: "busy" }),
    json({ type: "read", conv: "~", seq: 1 }),
  ];
}

function byteTalk(name) {
  return [
    op(1),
    op(5, "~"),
    op(2, "h0"),
    op(4, "~", `a word of ${name}`),
    op(3, 2),
    op(4, "h0", "x"),
  ];
}

function between(least, most) {
  return least + Math.random() * (most - least);
}
