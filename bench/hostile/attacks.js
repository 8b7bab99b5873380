/**
 * The attacks. Each is `{ name, title, crowd?, prepare?, run }`. `prepare` opens what the attack needs before anything is
 * measured; `run` begins the attack and goes on until the process is ended. Both get an Attack (attacker.js).
 */
import { flood, frame, json, many, op, upgradeRequest } from "./sockets.js";

const EMPTY = frame(Buffer.alloc(0));
const LONG_TEXT = "\u{1F4A3}".repeat(4_000);
const RESUME_CURSORS = 1_400;
const HTTP_ASK = "GET /?name=nobody HTTP/1.1\r\nHost: localhost\r\n\r\n";

/** Sockets that have a name, in the dialect of bytes; each floods with the same frames. */
function byteFlood(sockets, ...frames) {
  const chunk = many(...frames);
  const framesOfChunk = (chunk.length / Buffer.concat(frames).length) * frames.length;
  return {
    prepare: (attack) => attack.names(sockets),
    run: (attack) => attack.each((socket) => flood(socket, chunk, attack.counts, framesOfChunk)),
  };
}

function jsonFlood(sockets, ...requests) {
  const frames = requests.map((request) => json(request));
  const chunk = many(...frames);
  const framesOfChunk = (chunk.length / Buffer.concat(frames).length) * frames.length;
  return {
    prepare: (attack) => attack.names(sockets, "json"),
    run: (attack) => attack.each((socket) => flood(socket, chunk, attack.counts, framesOfChunk)),
  };
}

/** Attackers in parallel, each of whom does the same again and again. */
function loops(parallel, act) {
  return {
    run: (attack) => {
      for (let i = 0; i < parallel; i++) void attack.repeat((round) => act(attack, i, round));
    },
  };
}

export const attacks = [
  { name: "none", title: "nobody attacks", run: () => {} },
  { name: "empty-frames", title: "empty frames, 1 socket", ...byteFlood(1, EMPTY) },
  { name: "unknown-ops", title: "unknown ops, 1 socket", ...byteFlood(1, op(99), op(200, "x")) },
  {
    name: "lists-300",
    title: "2 lists each, 300 sockets",
    prepare: (attack) => attack.names(300),
    run: (attack) =>
      attack.each((socket) => attack.write(socket, Buffer.concat([op(1), op(1)]), 2)),
  },
  { name: "lists-30", title: "lists, 30 sockets", ...byteFlood(30, op(1)) },
  { name: "all-users-30", title: "op 6, 30 sockets", ...byteFlood(30, op(6)) },
  { name: "lookups-30", title: "op 2, 30 sockets", ...byteFlood(30, op(2, "seed-1"), op(2, "x")) },
  { name: "history-40", title: "history of long texts, 40 sockets", ...byteFlood(40, op(5, "~")) },
  {
    name: "history-json",
    title: "history of long texts, JSON, 40 sockets",
    ...jsonFlood(40, { type: "history", limit: 200 }),
  },
  {
    name: "hello-resume",
    title: "64 kB hello with bad resume, 20 sockets",
    ...loops(20, async (attack, i) => {
      const cursors = Array.from({ length: RESUME_CURSORS }, (_, k) => [`@seed-${k}`, ["zzz", 9]]);
      const resume = Object.fromEntries(cursors);
      const hello = json({ type: "hello", name: `res${i}`, key: `key-of-${i}`, resume });
      const socket = await attack.dial({ target: "/ws", first: hello });
      attack.counts.frames++;
      await attack.answered(socket);
      socket?.destroy();
    }),
  },
  {
    name: "presence-1000",
    title: "presence among 1,000 users, 10 sockets",
    crowd: 1_000,
    ...jsonFlood(10, { type: "presence" }),
  },
  {
    name: "http-pipelined",
    title: "pipelined plain HTTP, 4 sockets",
    ...loops(4, async (attack) => {
      const socket = await attack.plain();
      flood(socket, Buffer.from(HTTP_ASK.repeat(500)), attack.counts, 500);
      await attack.closed(socket);
    }),
  },
  {
    name: "http-asks",
    title: "plain HTTP, a connection each, 20 at once",
    ...loops(20, async (attack) => {
      const socket = await attack.plain();
      attack.write(socket, HTTP_ASK, 1);
      await attack.answered(socket);
      socket.destroy();
    }),
  },
  {
    name: "bursts",
    title: "frames in bursts and reconnects, 20 sockets",
    ...loops(20, async (attack, i) => {
      const socket = await attack.dial({ target: `/?name=burst${i}` });
      if (socket === undefined) return;
      const burst = many(op(4, `burst${i}`, "a note"), op(1), op(5, "~"), op(3, 2), EMPTY);
      attack.write(socket, burst, 4_000);
      await attack.answered(socket);
      socket.destroy();
    }),
  },
  {
    name: "never-read",
    title: "1,000 that never read, JSON, histories",
    prepare: (attack) => attack.names(1_000, "json", { reads: false }),
    run: (attack) =>
      attack.each((socket) => attack.write(socket, json({ type: "history", limit: 200 }), 1)),
  },
  {
    name: "nameless",
    title: "frames of sockets without a name, 20",
    prepare: async (attack) => {
      await attack.open(10, { target: "/", subprotocol: "ws-protocol" });
      await attack.open(10, { target: "/ws" });
    },
    run: (attack) =>
      attack.each((socket) => flood(socket, many(op(1), op(4, "~", "x")), attack.counts, 2_340)),
  },
  {
    name: "hello-abandoned",
    title: "hello abandoned, one after the other",
    ...loops(1, async (attack, i, round) => {
      const hello = json({ type: "hello", name: `abandon${round}` });
      const socket = await attack.dial({ target: "/ws", first: hello });
      attack.counts.frames++;
      socket?.destroy();
    }),
  },
  {
    name: "fragments",
    title: "one-byte fragments before a name, 317 sockets",
    prepare: (attack) => attack.open(317, { target: "/", subprotocol: "ws-protocol" }),
    run: (attack) => {
      const piece = frame(Buffer.from([65]), 0x00);
      attack.each((socket) => {
        attack.write(socket, frame(Buffer.from([4]), 0x02), 1);
        attack.write(socket, Buffer.concat(Array.from({ length: 60_000 }, () => piece)), 60_000);
      });
    },
  },
  {
    name: "twelve-flood",
    title: "12, each under its limit, at one slow reader",
    hasSlowReader: true,
    prepare: (attack) => attack.names(12, "json"),
    run: (attack) => {
      const message = json({ type: "publish", conv: "@slow", text: LONG_TEXT });
      attack.each((socket) => attack.every(25, () => attack.write(socket, message, 1)));
    },
  },
  {
    name: "status-flips",
    title: "status 2/1, 1 socket",
    ...byteFlood(1, op(3, 2), op(3, 1)),
  },
  {
    name: "status-json",
    title: "status, JSON, 10 sockets",
    ...jsonFlood(10, { type: "status", status: "busy" }, { type: "status", status: "active" }),
  },
  { name: "typing", title: "typing, 10 sockets", ...jsonFlood(10, { type: "typing", conv: "~" }) },
  {
    name: "private-json",
    title: "private messages, JSON, 10 sockets",
    ...jsonFlood(10, { type: "publish", conv: "@h0", text: "flood" }),
  },
  {
    name: "private-bytes",
    title: "private messages, bytes, 10 sockets",
    ...byteFlood(10, op(4, "h0", "flood"), op(4, "h1", "flood")),
  },
  {
    name: "publish-json",
    title: "messages to everybody, JSON, 10 sockets",
    ...jsonFlood(10, { type: "publish", text: "flood" }),
  },
  {
    name: "publish-bytes",
    title: "messages to everybody, bytes, 10 sockets",
    ...byteFlood(10, op(4, "~", "flood")),
  },
  {
    name: "registrations",
    title: "new names in a loop, 20 at once",
    ...loops(20, async (attack, i, round) => {
      const socket = await attack.dial({ target: `/?name=reg-${i}-${round}` });
      attack.counts.frames++;
      socket?.destroy();
    }),
  },
  {
    name: "one-name",
    title: "one name contested, 50 at once",
    ...loops(50, async (attack) => {
      const socket = await attack.dial({ target: "/?name=h0" });
      attack.counts.frames++;
      socket?.destroy();
    }),
  },
  {
    name: "pings",
    title: "WebSocket pings, 2 sockets",
    ...byteFlood(2, frame(Buffer.from("ping"), 0x89)),
  },
  {
    name: "half-open",
    title: "upgrades never ended, 500 at once",
    ...loops(500, async (attack) => {
      const socket = await attack.plain();
      attack.write(socket, upgradeRequest("/?name=half").slice(0, -2), 1);
      await attack.closed(socket);
    }),
  },
];
