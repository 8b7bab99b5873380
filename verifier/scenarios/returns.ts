/** Returns: JSON clients come back after a gateway was killed or all were restarted; other users must not notice. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { WebSocket } from "ws";
import { connect, type Tertulia } from "#tertulia/clients/sdk/tertulia.js";
import { CODE } from "../classic-numbers.js";
import { Cluster } from "../cluster.js";
import { medianAndMax } from "../figures.js";
import type { GatewayProcess } from "../gateway-process.js";
import { Random } from "../random.js";
import { until } from "../until.js";
import { Tally, type Rule } from "../rules/rule.js";
import type { ScenarioResult, ScenarioSettings } from "./scenario.js";

const ONCE_IN_ORDER: Rule = {
  id: "returning-hears-once-in-order",
  sentence: "a client that comes back hears each message once, in order",
  needs: "messages heard",
};
const EVERYTHING: Rule = {
  id: "returning-hears-everything",
  sentence: "a client that comes back hears everything",
  needs: "clients that came back",
};
const UNSEEN: Rule = {
  id: "returns-unseen",
  sentence: "at most 0.1 % of returns in a rolling restart are seen by others",
  needs: "returns in a rolling restart",
};

/** The rules of this scenario. */
export const RETURNS_RULES: readonly Rule[] = [ONCE_IN_ORDER, EVERYTHING, UNSEEN];

const ENVIRONMENT = {
  REQUESTS_PER_SECOND: "100000",
  ADDRESS_REQUESTS_PER_SECOND: "0",
  // as in production: the balancer is told, then the sessions leave one by one
  DRAIN_WAIT_MS: "500",
  DRAIN_WINDOW_MS: "2000",
};
const AT_ONCE = 50;
const EVERY_MS = 50;

/** One client, and what happened to it. */
interface Returner {
  readonly tertulia: Tertulia;
  welcomedAt: number;
  node: string;
  next: number;
}

/** How often the clients have to come back. */
export interface Rounds {
  readonly kills: number;
  readonly rollingRestarts: number;
}

export async function returns(
  { seed, topology, gateways, dist }: ScenarioSettings,
  count: number,
  { kills, rollingRestarts }: Rounds,
): Promise<ScenarioResult> {
  const random = new Random(seed);
  const dataDir = await mkdtemp(join(tmpdir(), "tertulia-returns-"));
  const now = (): number => performance.now();
  const environment = ENVIRONMENT;
  const all = { topology, gateways: gateways + 1, dist, dataDir, environment, now };
  const cluster = await Cluster.start(all);
  // one gateway is never harmed: a client there sees everything
  const [lookout, ...others] = cluster.gateways as [GatewayProcess, ...GatewayProcess[]];
  const tally = new Tally(RETURNS_RULES);
  const clients: Returner[] = [];
  const back: number[] = [];
  const flaps = { kills: 0, restarts: 0 };
  let returned = 0;
  try {
    const urls = others.map(({ port }) => `ws://127.0.0.1:${port}`);
    const speaker = enter(urls, "speaker", 0, tally);
    await speaker.tertulia.joined();
    for (let i = 0; i < count; i += AT_ONCE) {
      const some = Array.from({ length: Math.min(AT_ONCE, count - i) }, (_, k) =>
        enter(urls, `returner-${i + k}`, i + k, tally),
      );
      clients.push(...some);
      await Promise.all(some.map(({ tertulia }) => tertulia.joined()));
    }
    const viewer = await view(lookout.port);
    const said = speakOn(speaker.tertulia);
    const areAllOpen = (): boolean =>
      clients.every(({ tertulia }) => tertulia.state.name === "open");
    for (let round = 0; round < kills; round++) {
      await pause(random.between(500, 1_500));
      const victim = random.pick(others);
      const theirs = clients.filter(({ node }) => node === `gateway-${victim.index}`);
      const killed = now();
      await victim.signal("SIGKILL");
      const isBack = ({ welcomedAt }: Returner): boolean => welcomedAt > killed;
      await until("everybody is back", () => theirs.every(isBack) && areAllOpen(), 20_000);
      back.push(...theirs.map(({ welcomedAt }) => welcomedAt - killed));
      victim.start();
      await cluster.untilReady();
    }
    await pause(6_000); // until leases of the killed have ended and lingering sessions would be signed out
    flaps.kills = viewer.left.length;
    for (let round = 0; round < rollingRestarts; round++) {
      for (const gateway of others) {
        returned += clients.filter(({ node }) => node === `gateway-${gateway.index}`).length;
        await gateway.signal("SIGTERM");
        gateway.start();
        await cluster.untilReady();
        await until("everybody is back", areAllOpen, 20_000);
      }
    }
    await pause(6_000);
    flaps.restarts = viewer.left.length - flaps.kills;
    const total = await said.stop();
    const haveHeardAll = (): boolean => clients.every(({ next }) => next === total + 1);
    await until("everybody has heard everything", haveHeardAll, 10_000).catch(() => {});
    for (const { tertulia, next } of clients) {
      if (total > 0) tally.saw(EVERYTHING);
      if (next !== total + 1) tally.broke(EVERYTHING, `${tertulia.name}: ${next - 1} of ${total}`);
    }
    viewer.webSocket.terminate();
    tally.saw(UNSEEN, returned);
    if (flaps.restarts > returned / 1_000) {
      tally.broke(UNSEEN, `${flaps.restarts} of ${returned}`);
    }
    return {
      judgements: tally.judgements,
      figures: {
        clients: count,
        messages: total,
        deliveries: total * count,
        kills,
        "returns after a kill": back.length,
        "back after a kill ms": medianAndMax(back),
        "sign-outs seen after kills": flaps.kills,
        "rolling restarts": rollingRestarts,
        "returns in them": returned,
        "sign-outs seen in them": flaps.restarts,
      },
      voidBecause: back.length === 0 ? "nobody had to come back" : undefined,
    };
  } finally {
    await Promise.all(clients.map(({ tertulia }) => tertulia.close()));
    await cluster.close();
    await rm(dataDir, { recursive: true, force: true });
  }
}

/** Joins at one of the gateways; each message of the speaker must be the next one. */
function enter(urls: readonly string[], name: string, i: number, tally: Tally): Returner {
  const from = i % urls.length;
  const tertulia = connect([...urls.slice(from), ...urls.slice(0, from)], { name, WebSocket });
  const returner: Returner = { tertulia, welcomedAt: 0, node: "", next: 1 };
  tertulia.on("welcome", ({ node }) => {
    returner.welcomedAt = performance.now();
    returner.node = node;
  });
  tertulia.on("message", ({ text }) => {
    tally.saw(ONCE_IN_ORDER);
    if (Number(text) !== returner.next) {
      tally.broke(ONCE_IN_ORDER, `${name}: ${text} for ${returner.next}`);
    }
    returner.next = Number(text) + 1;
  });
  return returner;
}

/** Publishes 1, 2, 3 … to everybody; `stop` resolves with the last number when it is acknowledged. */
function speakOn(speaker: Tertulia): { stop(): Promise<number> } {
  const enough = new AbortController();
  const speaking = (async () => {
    for (let n = 1; ; n++) {
      await speaker.publish("~", String(n));
      if (enough.signal.aborted) return n;
      await pause(EVERY_MS);
    }
  })();
  return {
    stop() {
      enough.abort();
      return speaking;
    },
  };
}

/** A classic client that notes who leaves. */
async function view(port: number): Promise<{ webSocket: WebSocket; left: string[] }> {
  const webSocket = new WebSocket(`ws://127.0.0.1:${port}/?name=viewer`, {
    perMessageDeflate: false,
  });
  const left: string[] = [];
  webSocket.on("message", (frame: Buffer) => {
    const [code, length = 0] = frame;
    if (code !== CODE.status || frame[2 + length] !== 0) return;
    left.push(frame.toString("latin1", 2, 2 + length));
  });
  await new Promise<void>((resolve, reject) => {
    webSocket.once("open", resolve);
    webSocket.once("error", reject);
  });
  return { webSocket, left };
}
