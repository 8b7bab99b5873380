import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Client } from "#verifier/client.js";
import { credentialsOf } from "#verifier/credentials.js";
import { History } from "#verifier/history.js";
import { Random } from "#verifier/random.js";
import { eventually } from "../support/eventually.js";

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), "tertulia-client-"))));
afterAll(() => rm(folder, { recursive: true }));

/** A gateway that gives each connection attempt the same answer: a status, or none. */
async function gatewayThatAnswers(status: number | undefined): Promise<Server & { asked: number }> {
  const server = Object.assign(createServer(), { asked: 0 });
  server.on("upgrade", (_request, socket) => {
    server.asked++;
    socket.end(status === undefined ? "" : `HTTP/1.1 ${status} No\r\nConnection: close\r\n\r\n`);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

const attempts: [what: string, status: number | undefined, isInDoubt: boolean][] = [
  ["was refused", 400, false],
  ["got no answer from Redis, says the gateway", 503, true],
  ["got no answer", undefined, true],
];

for (const [what, status, isInDoubt] of attempts) {
  test(`an attempt that ${what} ${isInDoubt ? "may" : "does not"} have claimed the name`, async () => {
    const gateway = await gatewayThatAnswers(status);
    const history = new History(join(folder, `${status}.jsonl`));
    const urls = [`ws://127.0.0.1:${(gateway.address() as AddressInfo).port}`];
    const ana = {
      name: "ana",
      credentials: credentialsOf("open", "ana", 1),
      idPrefix: "ana",
      peers: [],
      urls,
      tag: "",
      rate: 1,
      thinkMs: 0,
      general: 1,
    };
    const client = new Client(ana, history, new Random(1));
    client.start();
    await eventually(() => expect(gateway.asked).toBeGreaterThan(2));
    await client.close();
    gateway.close();
    await history.close();
    const unanswered = history.entries.filter(({ kind }) => kind === "unanswered");
    if (!isInDoubt) return expect(history.entries).toEqual([]);
    expect(unanswered.length).toBeGreaterThanOrEqual(2);
    const [first] = unanswered as unknown as [{ t: number; since: number; name: string }];
    expect(first).toMatchObject({ name: "ana", gateway: 0 });
    expect(first.since).toBeLessThan(first.t);
  });
}
