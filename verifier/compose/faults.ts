/** Faults of a compose project: containers are killed, stopped, frozen or recreated, one or all together. */
import { setTimeout as pause } from "node:timers/promises";
import { shuffled, type Random } from "../random.js";
import type { Act, Container, Project } from "./project.js";
import type { ProjectRedis } from "./redis-side.js";

export interface Scene {
  readonly project: Project;
  readonly redis: ProjectRedis;
  readonly random: Random;
  /** A fault calls it when something goes down. */
  readonly down: () => void;
}

export interface ProjectFault {
  /** Does the harm for a while, and starts everything again. */
  readonly run: (scene: Scene) => Promise<void>;
  /** Another server may take over, which may lack the messages that were acknowledged last. */
  readonly rollsBack?: true;
  /** Nobody can write while it lasts; that is expected. */
  readonly isOutage?: true;
  readonly needsSentinel?: true;
}

const MOMENT: [number, number] = [0, 1_500];
const LONG: [number, number] = [3_000, 7_000];

export const PROJECT_FAULTS: Readonly<Record<string, ProjectFault>> = {
  "kill-primary": failover("kill", "start"),
  "stop-primary": failover("stop", "start"),
  "freeze-primary": failover("pause", "unpause"),
  // it is back before the sentinels call it dead, or just after
  "restart-primary": { run: restartPrimary, rollsBack: true },
  "kill-replica": { run: ofReplica("kill", "start"), needsSentinel: true },
  "freeze-replica": { run: ofReplica("pause", "unpause"), needsSentinel: true },
  "kill-sentinel": { run: ofSentinels(1, "kill", "start"), needsSentinel: true },
  // until the others are back, too few sentinels are left to promote a server
  "kill-sentinels-and-primary": {
    run: withoutMajority,
    rollsBack: true,
    isOutage: true,
    needsSentinel: true,
  },
  "kill-redis-side": { run: ofRedisSide("kill"), rollsBack: true, isOutage: true },
  "stop-redis-side": { run: ofRedisSide("stop"), rollsBack: true, isOutage: true },
  "kill-gateway": { run: ofGateways(1, "kill", "start") },
  "stop-gateway": { run: ofGateways(1, "stop", "start") },
  "freeze-gateway": { run: ofGateways(1, "pause", "unpause") },
  "kill-gateways": { run: ofGateways(Infinity, "kill", "start"), isOutage: true },
  "restart-balancer": { run: restartBalancer, isOutage: true },
  "stop-all": { run: stopAll, rollsBack: true, isOutage: true },
  "kill-all": { run: killAll, rollsBack: true, isOutage: true },
  "down-and-up": { run: downAndUp, rollsBack: true, isOutage: true },
  "recreate-redis": { run: recreateRedis, rollsBack: true, isOutage: true },
  "roll-gateways": { run: roll("gateway") },
  "roll-redis": { run: roll("redis"), rollsBack: true, needsSentinel: true },
  "roll-sentinels": { run: roll("sentinel"), needsSentinel: true },
};

/** Faults that the project can have. */
export function projectFaultsOf(redis: ProjectRedis): string[] {
  return Object.entries(PROJECT_FAULTS)
    .filter(([, { needsSentinel }]) => redis.sentinels.length > 0 || needsSentinel === undefined)
    .map(([name]) => name);
}

function failover(harm: Act, heal: Act): ProjectFault {
  const run = async ({ project, redis, random, down }: Scene): Promise<void> => {
    const old = await redis.primary();
    const [container] = await project.of(old.service);
    down();
    await project.act(harm, container!);
    // if there is no failover, `untilWhole` finds it
    await redis.untilSuccessorOf(old).catch(() => {});
    await pause(random.between(...MOMENT));
    await project.act(heal, container!);
  };
  return { run, rollsBack: true, needsSentinel: true };
}

async function restartPrimary({ project, redis, random, down }: Scene): Promise<void> {
  const [container] = await project.of((await redis.primary()).service);
  down();
  await project.act("kill", container!);
  await pause(random.between(0, 4_000));
  await project.act("start", container!);
}

function ofReplica(harm: Act, heal: Act): ProjectFault["run"] {
  return async ({ project, redis, random, down }) => {
    const primary = await redis.primary();
    const { service } = random.pick(redis.servers.filter((each) => each !== primary));
    await forAWhile({ project, down }, await project.of(service), harm, heal, random);
  };
}

function ofSentinels(count: number, harm: Act, heal: Act): ProjectFault["run"] {
  return async ({ project, redis, random, down }) => {
    const some = shuffled(redis.sentinels, random).slice(0, count);
    const containers = await redis.containersOf(some.map(({ service }) => service));
    await forAWhile({ project, down }, containers, harm, heal, random);
  };
}

async function withoutMajority({ project, redis, random, down }: Scene): Promise<void> {
  const { service } = await redis.primary();
  const some = shuffled(redis.sentinels, random).slice(0, Math.ceil(redis.sentinels.length / 2));
  const sentinels = await redis.containersOf(some.map((each) => each.service));
  const [primary] = await project.of(service);
  await project.act("kill", ...sentinels);
  down();
  await project.act("kill", primary!);
  await pause(random.between(...LONG));
  const isPrimaryFirst = random.next() < 0.5;
  if (isPrimaryFirst) await project.act("start", primary!);
  await pause(random.between(...MOMENT));
  await project.act("start", ...sentinels);
  if (isPrimaryFirst) return;
  await pause(random.between(...LONG));
  await project.act("start", primary!);
}

/** All servers and sentinels go down at once; they come back one by one, in random order. */
function ofRedisSide(harm: "kill" | "stop"): ProjectFault["run"] {
  return async ({ project, redis, random, down }) => {
    const all = await redis.containersOf(redis.services);
    down();
    await project.act(harm, ...all);
    for (const container of shuffled(all, random)) {
      await pause(random.between(0, 700));
      await project.act("start", container);
    }
  };
}

function ofGateways(count: number, harm: Act, heal: Act): ProjectFault["run"] {
  return async ({ project, random, down }) => {
    const some = shuffled(await project.of("gateway"), random).slice(0, count);
    await forAWhile({ project, down }, some, harm, heal, random);
  };
}

async function restartBalancer({ project, down }: Scene): Promise<void> {
  down();
  await project.act("restart", ...(await project.of("balancer")));
}

/** An operator stops everything, to move the machine for example. */
async function stopAll({ project, random, down }: Scene): Promise<void> {
  down();
  await project.compose("stop");
  await pause(random.between(...MOMENT));
  // by `up`, or one by one in random order
  if (random.next() < 0.5) await project.compose("up", "-d", "--no-build");
  else await startInAnyOrder(project, random);
}

/** A power failure that harms no disk. */
async function killAll({ project, random, down }: Scene): Promise<void> {
  down();
  await project.act("kill", ...(await project.containers()));
  await pause(random.between(...MOMENT));
  if (random.next() < 0.5) await project.compose("up", "-d", "--no-build");
  else await startInAnyOrder(project, random);
}

/** New containers on the same volumes. */
async function downAndUp({ project, down }: Scene): Promise<void> {
  down();
  await project.compose("down");
  await project.compose("up", "-d", "--no-build");
}

/** A careless upgrade of Redis. */
async function recreateRedis({ project, redis, down }: Scene): Promise<void> {
  down();
  await project.compose("up", "-d", "--no-build", "--force-recreate", ...redis.services);
}

/** A careful upgrade: one container is replaced after the other. */
function roll(what: "gateway" | "redis" | "sentinel"): ProjectFault["run"] {
  return async ({ project, down }) => {
    down();
    await project.run("deploy/roll", "--force", what);
  };
}

async function forAWhile(
  { project, down }: Pick<Scene, "project" | "down">,
  containers: readonly Container[],
  harm: Act,
  heal: Act,
  random: Random,
): Promise<void> {
  down();
  await project.act(harm, ...containers);
  await pause(random.between(...LONG));
  await project.act(heal, ...containers);
}

async function startInAnyOrder(project: Project, random: Random): Promise<void> {
  for (const container of shuffled(await project.containers(), random)) {
    await project.act("start", container);
  }
}
