/** The other gateways: found, and asked whether they serve. */
import { once } from "node:events";
import { createServer as createHttpServer, type Server } from "node:http";
import { connect, createServer, type AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { freePort } from "#tertulia/local-redis/server.js";
import { NODE_HEADER, Peers, placesOf } from "#tertulia/gateway/peers.js";

const open: { close(): unknown; closeAllConnections?(): void }[] = [];

afterEach(() => {
  for (const each of open.splice(0)) {
    each.close();
    each.closeAllConnections?.();
  }
});

async function listening(server: Server | ReturnType<typeof createServer>): Promise<string> {
  open.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Says at /readyz what is set; `status` may be changed. */
async function gateway(status: number, id = `id-${Math.random()}`) {
  const state = { status, asked: 0, at: "" };
  state.at = await listening(
    createHttpServer(({ url }, response) => {
      state.asked++;
      response.writeHead(url === "/readyz" ? state.status : 500, { [NODE_HEADER]: id }).end();
    }),
  );
  return state;
}

/** Takes connections and says nothing, as a machine that stands still does. */
const mute = (): Promise<string> => listening(createServer(() => {}));

const peersAt = (...at: string[]): Peers => new Peers(placesOf(at.join(",")), "self");

test.each([
  [[200], "serving"],
  [[503, 200, 503], "serving"],
  [[503, 503], "waiting"],
  [[404], "waiting"],
  [[], "waiting"],
] as const)("gateways that say %j beside this one are %s", async (statuses, expected) => {
  const self = await gateway(503, "self");
  const others = await Promise.all(statuses.map((status) => gateway(status)));
  expect(await peersAt(self.at, ...others.map(({ at }) => at)).ask()).toBe(expected);
});

test("a gateway does not count itself as a peer", async () => {
  const self = await gateway(200, "self");
  expect(await peersAt(self.at).ask()).toBe("waiting");
});

test("silent peers count only if one was heard before", async () => {
  const self = await gateway(503, "self");
  const [other, silent] = [await gateway(503), await mute()];
  expect(await peersAt(self.at, silent).ask()).toBe("waiting");
  const peers = peersAt(self.at, other.at);
  expect(await peers.ask()).toBe("waiting");
  const server = createServer(() => {});
  open.splice(1, 1)[0]!.close(); // the other's machine is cut off: its port takes connections, and says nothing
  open.push(server);
  server.listen(Number(other.at.split(":")[1]), "127.0.0.1");
  await once(server, "listening");
  expect(await peers.ask()).toBe("silent");
});

test("a refused port is no silence: the machine is there", async () => {
  const other = await gateway(503);
  const peers = peersAt(other.at, `127.0.0.1:${await freePort()}`);
  await peers.ask();
  open.splice(0)[0]!.close();
  expect(await peers.ask()).toBe("waiting");
});

test("a full gateway, which hangs up at once, counts as there", async () => {
  const full = createHttpServer((_, response) => response.writeHead(503).end());
  const peers = peersAt(await listening(full));
  expect(await peers.ask()).toBe("waiting");
  full.maxConnections = 1;
  const guest = connect((full.address() as AddressInfo).port, "127.0.0.1");
  open.push({ close: () => guest.destroy() });
  await once(guest, "connect");
  expect(await peers.ask()).toBe("waiting");
});

test("with a name that cannot be resolved there are no peers", async () => {
  const peers = peersAt("no-such-host.invalid:9000");
  expect(await peers.ask()).toBe("waiting");
  expect(peers.areKnown).toBe(false);
});

test("of many peers eight are asked at once, and one that serves is asked again", async () => {
  const serving = await gateway(200);
  const others = await Promise.all(Array.from({ length: 20 }, () => gateway(503)));
  const peers = peersAt(serving.at, ...others.map(({ at }) => at));
  let rounds = 0;
  while ((await peers.ask()) !== "serving") rounds++;
  const before = serving.asked;
  for (let i = 0; i < 5; i++) expect(await peers.ask()).toBe("serving");
  expect(serving.asked).toBe(before + 5);
  const asked = [serving, ...others].reduce((sum, each) => sum + each.asked, 0);
  expect(asked).toBe((rounds + 6) * 8);
});

test.each([
  ["gateway:9000", [["gateway", 9000]]],
  [
    "10.0.0.1:80, [::1]:9001",
    [
      ["10.0.0.1", 80],
      ["::1", 9001],
    ],
  ],
])("%s says where they are", (peers, expected) => {
  expect(placesOf(peers).map(({ host, port }) => [host, port])).toEqual(expected);
});
