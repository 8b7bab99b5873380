/**
 * The honest clients, a process of its own: they talk at a modest rate, in all dialects, at all gateways. It says
 * "connected", takes `{ phase }` and, told `{ phase: "end" }`, says what it saw of the phases "before" and "during".
 */
import { WebSocket } from "ws";

const CLIENTS = 20;
/** Each says something so often; two of three messages are for everybody. */
const TALK_EVERY_MS = 1_000;
const MARK = /#h(\d+)#/;
const DIALECTS = ["classic", "ws-protocol", "json", "classic", "json"];
/** The slow reader takes a chunk so often, 64 kB/s at most. */
const SLOW_READ_EVERY_MS = 1_000;
const ANSWER_WITHIN_MS = 2_000;

const [hasSlowReader, ...ports] = process.argv.slice(2);
const said = new Map();
const phases = { before: newPhase(), during: newPhase() };
let phase;
let ended = 0;
let errors = 0;
let next = 0;

function newPhase() {
  return { messages: 0, latencies: [] };
}

process.once("disconnect", () => process.exit());
process.on("message", (told) => {
  phase = told.phase;
  if (phase === "end") void report();
});
const clients = await Promise.all(Array.from({ length: CLIENTS }, (_, i) => connect(i)));
if (hasSlowReader === "slow") await connectSlow();
clients.forEach((client, i) => {
  setTimeout(
    () => setInterval(() => talk(client, i), TALK_EVERY_MS),
    (i * TALK_EVERY_MS) / CLIENTS,
  );
});
process.send("connected");

async function connect(i) {
  const dialect = DIALECTS[i % DIALECTS.length];
  const name = `h${i}`;
  const port = ports[i % ports.length];
  const path = dialect === "json" ? "ws?name=" : "?name=";
  const offers = { classic: [], "ws-protocol": ["ws-protocol"], json: ["tertulia.v1.json"] };
  const socket = new WebSocket(`ws://127.0.0.1:${port}/${path}${name}`, offers[dialect], {
    perMessageDeflate: false,
  });
  const client = { name, dialect, socket };
  socket.on("message", (frame) => hear(client, frame));
  await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
  socket.on("error", () => {});
  socket.once("close", () => ended++);
  return client;
}

function talk(client, i) {
  if (client.socket.readyState !== WebSocket.OPEN) return;
  const id = next++;
  const isPrivate = id % 3 === 2;
  const to = clients[(i + 1) % CLIENTS];
  const readers = isPrivate ? [client, to] : clients;
  if (phases[phase] !== undefined) phases[phase].messages++;
  said.set(id, { at: performance.now(), phase, missing: new Set(readers.map(({ name }) => name)) });
  const text = `#h${id}#`;
  client.socket.send(
    client.dialect === "json"
      ? JSON.stringify({ type: "publish", ...(isPrivate && { conv: `@${to.name}` }), text })
      : bytes(client.dialect, isPrivate ? to.name : "~", text),
  );
}

function bytes(dialect, to, text) {
  const rest = Buffer.from([to.length, ...Buffer.from(to), text.length, ...Buffer.from(text)]);
  return Buffer.from(dialect === "classic" ? [4, ...rest] : [4, rest.length, ...rest]);
}

function hear({ name, dialect }, frame) {
  const text = frame.toString("latin1");
  if (dialect !== "json" && frame[0] === 50) errors++;
  if (dialect === "json" && text.startsWith('{"type":"error"')) errors++;
  const found = MARK.exec(text);
  const message = found === null ? undefined : said.get(Number(found[1]));
  if (message === undefined || !message.missing.delete(name)) return;
  phases[message.phase]?.latencies.push(performance.now() - message.at);
}

/** Reads a little at a time; whether it was cut is told. */
async function connectSlow() {
  const socket = new WebSocket(`ws://127.0.0.1:${ports[0]}/ws?name=slow`, "tertulia.v1.json", {
    perMessageDeflate: false,
  });
  await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
  socket.on("error", () => {});
  socket.on("message", () => socket.pause());
  setInterval(() => socket.resume(), SLOW_READ_EVERY_MS);
}

/** Asked of a gateway: a reader that is paused hears of its own end much later. */
async function isSlowReaderCut() {
  const [{ socket }] = clients;
  const answer = new Promise((resolve) => {
    socket.on("message", (frame) => {
      if (frame[0] === 52) resolve(frame.at(-1) === 0);
    });
    setTimeout(resolve, ANSWER_WITHIN_MS, false);
  });
  socket.send(Buffer.from([2, 4, ...Buffer.from("slow")]));
  return answer;
}

async function report() {
  const isCut = hasSlowReader === "slow" && (await isSlowReaderCut());
  const now = performance.now();
  const missing = { before: 0, during: 0 };
  for (const message of said.values()) {
    if (message.missing.size === 0 || phases[message.phase] === undefined) continue;
    missing[message.phase]++;
    for (const _ of message.missing) phases[message.phase].latencies.push(now - message.at);
  }
  process.send({
    before: { ...figures(phases.before), missing: missing.before },
    during: { ...figures(phases.during), missing: missing.during },
    ended,
    errors,
    isSlowReaderCut: isCut,
  });
}

function figures({ messages, latencies }) {
  const sorted = latencies.toSorted((a, b) => a - b);
  const at = (part) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
  return { messages, p50: at(0.5), p99: at(0.99), max: at(1) };
}
