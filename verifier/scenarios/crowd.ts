/** The crowd: a gateway with many connections is killed, and everybody elsewhere must soon hear who is gone. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { WebSocket } from "ws";
import { CODE } from "../classic-numbers.js";
import { Cluster } from "../cluster.js";
import { medianAndMax } from "../figures.js";
import type { GatewayProcess } from "../gateway-process.js";
import { Random } from "../random.js";
import { readConnected } from "../truth.js";
import { until } from "../until.js";
import { Tally, type Rule } from "../rules/rule.js";
import type { ScenarioResult, ScenarioSettings } from "./scenario.js";

const SIGNED_OUT: Rule = {
  id: "dead-are-signed-out",
  sentence: "every user of the killed gateway is signed out, at every viewer",
  needs: "users of the killed gateway, by viewer",
};
const ONLY_THEY: Rule = {
  id: "only-dead-are-signed-out",
  sentence: "nobody else is signed out",
  needs: "sign-outs that were heard",
};
const ONCE: Rule = {
  id: "signed-out-once",
  sentence: "each is signed out once",
  needs: "sign-outs that were heard",
};
const SOON: Rule = {
  id: "signed-out-soon",
  sentence: "all are signed out within six seconds",
  needs: "sign-outs that were heard",
  isTimed: true,
};
const NO_GHOSTS: Rule = {
  id: "no-ghosts",
  sentence: "the roster has none of them at the end",
  needs: "users of the killed gateway",
};

/** The rules of this scenario. */
export const CROWD_RULES: readonly Rule[] = [SIGNED_OUT, ONLY_THEY, ONCE, SOON, NO_GHOSTS];

const WITHIN_MS = 6_000;
const BYSTANDERS = 200;
const VIEWERS_EACH = 3;
const AT_ONCE = 50;

/** A client that hears who comes and who goes. */
interface Viewer {
  readonly name: string;
  readonly came: Set<string>;
  readonly left: Map<string, number[]>;
}

/** Kills `rounds` times: the moment of the kill decides how much of the lease is left. */
export async function crowd(
  { seed, topology, gateways, dist }: ScenarioSettings,
  size: number,
  rounds: number,
): Promise<ScenarioResult> {
  const random = new Random(seed);
  const dataDir = await mkdtemp(join(tmpdir(), "tertulia-crowd-"));
  const now = (): number => performance.now();
  const cluster = await Cluster.start({ topology, gateways, dist, dataDir, environment: {}, now });
  const sockets: WebSocket[] = [];
  const tally = new Tally(CROWD_RULES);
  const times: number[] = [];
  let leadersKilled = 0;
  try {
    const [victim, ...others] = cluster.gateways as [GatewayProcess, ...GatewayProcess[]];
    const viewers: Viewer[] = [];
    for (const { port, index } of others) {
      for (let i = 0; i < VIEWERS_EACH; i++) {
        const name = `viewer-${index}-${i}`;
        const viewer = { name, came: new Set<string>(), left: new Map<string, number[]>() };
        viewers.push(viewer);
        sockets.push(await connect(port, name, (frame) => note(viewer, frame)));
      }
    }
    const names = Array.from({ length: size }, (_, i) => `crowd-${i}`);
    const bystanders = Array.from({ length: BYSTANDERS }, (_, i) => `bystander-${i}`);
    sockets.push(...(await connectAll(others[0]!.port, bystanders)));
    for (let round = 0; round < rounds; round++) {
      for (const { came, left } of viewers) {
        came.clear();
        left.clear();
      }
      sockets.push(...(await connectAll(victim.port, names)));
      const hasSeenAll = ({ came }: Viewer): boolean => names.every((name) => came.has(name));
      await until("every viewer has seen all of them come", () => viewers.every(hasSeenAll));
      await pause(random.between(1_000, 2_000));
      if (cluster.leader === victim) leadersKilled++;
      const killed = now();
      await victim.signal("SIGKILL");
      const hasSeenThemGo = ({ left }: Viewer): boolean => names.every((name) => left.has(name));
      const isOver = until("the crowd is gone", () => viewers.every(hasSeenThemGo), 20_000);
      await isOver.catch(() => {}); // `timesOf` finds who was not signed out
      await pause(2_000); // more sign-outs must not come
      times.push(...timesOf(viewers, names, killed, tally));
      victim.start();
      await cluster.untilReady();
    }
    const connected = await readConnected(await cluster.redis.primary());
    const ghosts = connected.filter((name) => name.startsWith("crowd"));
    tally.saw(NO_GHOSTS, rounds * size);
    for (const name of ghosts) tally.broke(NO_GHOSTS, name);
    judge(times, tally);
    return {
      judgements: tally.judgements,
      figures: {
        "connections of the killed gateway": size,
        "bystanders elsewhere": BYSTANDERS,
        kills: rounds,
        "of these of a leader": leadersKilled,
        viewers: viewers.length,
        "sign-outs heard": times.length,
        "sign-out after ms": medianAndMax(times),
        ghosts: ghosts.length,
      },
      voidBecause: times.length === 0 ? "nobody heard anything" : undefined,
    };
  } finally {
    for (const socket of sockets) socket.terminate();
    await cluster.close();
    await rm(dataDir, { recursive: true, force: true });
  }
}

/** How long after the kill each viewer heard each sign-out. */
function timesOf(
  viewers: readonly Viewer[],
  names: readonly string[],
  killed: number,
  tally: Tally,
): number[] {
  const gone = new Set(names);
  for (const { name, left } of viewers) {
    tally.saw(SIGNED_OUT, names.length);
    tally.saw(ONLY_THEY, left.size);
    tally.saw(ONCE, left.size);
    const unheard = names.filter((each) => !left.has(each));
    for (const each of unheard) tally.broke(SIGNED_OUT, `${each}, for ${name}`);
    for (const [each, when] of left) {
      if (!gone.has(each)) tally.broke(ONLY_THEY, `${each}, for ${name}`);
      if (when.length > 1) tally.broke(ONCE, `${each}, for ${name}`);
    }
  }
  return viewers.flatMap(({ left }) => [...left.values()].map(([t]) => t! - killed));
}

function judge(times: readonly number[], tally: Tally): void {
  tally.saw(SOON, times.length);
  const late = times.filter((time) => time > WITHIN_MS);
  for (const time of late) tally.broke(SOON, `${time} ms`);
}

async function connectAll(port: number, names: readonly string[]): Promise<WebSocket[]> {
  const sockets: WebSocket[] = [];
  for (let i = 0; i < names.length; i += AT_ONCE) {
    const some = names.slice(i, i + AT_ONCE);
    sockets.push(...(await Promise.all(some.map((name) => connect(port, name)))));
  }
  return sockets;
}

async function connect(
  port: number,
  name: string,
  hear: (frame: Buffer) => void = () => {},
): Promise<WebSocket> {
  const webSocket = new WebSocket(`ws://127.0.0.1:${port}/?name=${name}`, {
    perMessageDeflate: false,
  });
  webSocket.on("message", (frame) => hear(frame as Buffer));
  await new Promise<void>((resolve, reject) => {
    webSocket.once("open", resolve);
    webSocket.once("error", reject);
  });
  webSocket.on("error", () => {}); // its gateway is killed
  return webSocket;
}

function note({ came, left }: Viewer, frame: Buffer): void {
  const [code, length = 0] = frame;
  if (code !== CODE.registered && code !== CODE.status) return;
  const name = frame.toString("latin1", 2, 2 + length);
  if (frame[2 + length] !== 0) came.add(name);
  else left.set(name, [...(left.get(name) ?? []), performance.now()]);
}
