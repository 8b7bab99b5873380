/**
 * One attacker, a process of its own: `fork(attacker.js, [name, first address, addresses, ports])`. It says "ready",
 * begins when it is told anything, says its counts four times a second, and is ended by a signal.
 */
import { connect } from "node:net";
import { getPriority, setPriority } from "node:os";
import { setTimeout as pause } from "node:timers/promises";
import { attacks } from "./attacks.js";
import { addresses, dial, json } from "./sockets.js";

/** A real attacker has its own machine: what it costs here should not be taken from the gateways. */
const NICER_BY = 10;
const DIALS_AT_ONCE = 20;
const TELL_EVERY_MS = 250;
/** After a dial that was refused, and between rounds: an attacker that does not spin on its own core. */
const AGAIN_AFTER_MS = 20;
const ANSWER_WITHIN_MS = 10_000;

class Attack {
  counts = { frames: 0, opened: 0, refused: 0, ended: 0, receivedBytes: 0, answers: {} };
  #sockets = [];
  #ports;
  #addresses;
  #dials = 0;

  constructor(ports, from) {
    this.#ports = ports;
    this.#addresses = from;
  }

  /** Opens so many named sockets. */
  names(count, dialect = "classic", more = {}) {
    const target = (i) => (dialect === "json" ? "/ws" : `/?name=a${i}`);
    const first = (i) => (dialect === "json" ? json({ type: "hello", name: `a${i}` }) : undefined);
    return this.#openAll(count, (i) => ({ target: target(i), first: first(i), ...more }));
  }

  open(count, options) {
    return this.#openAll(count, () => options);
  }

  async #openAll(count, optionsOf) {
    let next = 0;
    const worker = async () => {
      while (next < count) {
        const socket = await this.dial(optionsOf(next++));
        if (socket === undefined) await pause(AGAIN_AFTER_MS);
        else this.#sockets.push(socket);
      }
    };
    await Promise.all(Array.from({ length: DIALS_AT_ONCE }, worker));
  }

  dial(options) {
    const [port, from] = this.#next();
    return dial({ port, from, ...options }, this.counts);
  }

  /** A TCP connection that has said nothing yet. */
  async plain() {
    const [port, localAddress] = this.#next();
    const socket = connect({ port, host: "127.0.0.1", localAddress });
    socket.on("error", () => {});
    socket.on("data", (chunk) => (this.counts.receivedBytes += chunk.length));
    this.counts.opened++;
    socket.once("close", () => this.counts.ended++);
    return socket;
  }

  each(act) {
    for (const socket of this.#sockets) act(socket);
  }

  write(socket, bytes, frames) {
    if (socket === undefined || socket.destroyed) return;
    if (socket.writableLength > 1_048_576) return; // a bound: the gateway takes no more
    socket.write(bytes);
    this.counts.frames += frames;
  }

  every(ms, act) {
    setInterval(() => act(), ms);
  }

  async repeat(act) {
    for (let round = 0; ; round++) {
      const refusedBefore = this.counts.refused;
      await act(round);
      await pause(this.counts.refused > refusedBefore ? AGAIN_AFTER_MS : 0);
    }
  }

  /** Something has come, or the connection has ended, or it takes too long. */
  answered(socket) {
    return this.#either(socket, "data", "close");
  }

  closed(socket) {
    return this.#either(socket, "close");
  }

  #either(socket, ...events) {
    if (socket === undefined || socket.destroyed) return undefined;
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ANSWER_WITHIN_MS);
      for (const event of events) {
        socket.once(event, () => {
          clearTimeout(timer);
          resolve();
        });
      }
    });
  }

  #next() {
    const dial = this.#dials++;
    const port = this.#ports[dial % this.#ports.length];
    return [port, this.#addresses[dial % this.#addresses.length]];
  }
}

setPriority(Math.min(19, getPriority() + NICER_BY));
process.once("disconnect", () => process.exit());
const [name, first, count, ...ports] = process.argv.slice(2);
const attack = new Attack(ports.map(Number), addresses(first, Number(count)));
const { prepare, run, crowd } = attacks.find((each) => each.name === name);
if (crowd !== undefined) process.send({ crowd });
await prepare?.(attack);
process.once("message", () => {
  run(attack);
  setInterval(() => process.send({ counts: attack.counts }), TELL_EVERY_MS);
});
process.send("ready");
