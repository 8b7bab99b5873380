/** The limits as they are by default, and clients that do what honest clients do: they meet none of them. */
import { once } from "node:events";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import { L, frame } from "../support/classic-client.js";
import { eventually } from "../support/eventually.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";

/** A class, all of whose clients have the address of the school. */
const CLASS = 120;
const SCHOOL = { "x-forwarded-for": "192.0.2.7" };

let redis: TestRedis;

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.close());

interface Pupil {
  readonly name: string;
  readonly socket: WebSocket;
  readonly heard: Buffer[];
}

async function come(port: number, name: string): Promise<Pupil> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/?name=${name}`, { headers: SCHOOL });
  const heard: Buffer[] = [];
  socket.on("message", (bytes: Buffer) => void heard.push(bytes));
  await once(socket, "open");
  return { name, socket, heard };
}

/** The next one in the class. */
function neighbour(i: number): string {
  return `pupil-${(i + 1) % CLASS}`;
}

test("a class behind one address comes in together, talks, whispers, lists at each notice, and comes in again", async () => {
  const gateway = await node(redis.url, { TRUSTED_PROXIES: "loopback" });
  onTestFinished(() => gateway.close());
  const names = Array.from({ length: CLASS }, (_, i) => `pupil-${i}`);
  const pupils = await Promise.all(names.map((name) => come(gateway.port, name)));
  const lister = pupils[0]!;
  lister.socket.on("message", (bytes: Buffer) => {
    if (bytes[0] === 53 || bytes[0] === 54) lister.socket.send(frame(1));
  });
  for (const [i, { name, socket }] of pupils.entries()) {
    socket.send(frame(1));
    socket.send(frame(5, L("~")));
    socket.send(frame(3, L(name), 2));
    for (const text of ["hello", "everybody"]) socket.send(frame(4, L("~"), L(text)));
    for (const text of ["psst", "are", "you", "there"]) {
      socket.send(frame(4, L(neighbour(i)), L(text)));
    }
    socket.send(frame(3, L(name), 1));
  }
  for (const { name, heard } of pupils) {
    await eventually(() => {
      const told = heard.filter(([code]) => code === 55);
      expect(told.length, name).toBe(2 * CLASS + 2 * 4);
    }, 60_000);
    expect(
      heard.filter(([code]) => code === 50),
      name,
    ).toEqual([]);
  }
  for (const { socket } of pupils) socket.close();
  await Promise.all(pupils.map(({ socket }) => once(socket, "close")));
  // what was refused would reject
  const again = await Promise.all(names.map((name) => come(gateway.port, name)));
  expect(again.flatMap(({ heard }) => heard.filter(([code]) => code === 50))).toEqual([]);
  for (const { socket } of again) socket.terminate();
});
