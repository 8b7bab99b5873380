/** Faults of a Redis with sentinels: each makes another server the primary, or cuts replication. */
import { setTimeout as pause } from "node:timers/promises";
import type { Fault } from "./fault.js";
import type { RedisServer, Sentinels } from "./sentinels.js";

/** The primary dies; after a while it comes back as a replica. */
export const failover: Fault = async ({ cluster: { sentinels }, random, down }) => {
  const old = await sentinels.primary();
  down();
  await sentinels.kill(old);
  await replace(sentinels, old, random.between(0, 1_500));
};

/**
 * The replicas receive nothing any more, the primary still acknowledges messages, then it dies. To freeze a
 * replica would not be enough: what was sent to it waits in the kernel, and it reads that later. What
 * waits in a proxy is thrown away.
 */
export const lossyFailover: Fault = async ({ cluster: { sentinels }, random, down }) => {
  const old = await sentinels.primary();
  old.proxy.set("blackhole", "replication");
  await pause(random.between(200, 800));
  down();
  await sentinels.kill(old);
  old.proxy.cut("replication");
  old.proxy.set("pass");
  await replace(sentinels, old, random.between(0, 1_500));
};

/** The primary freezes and is replaced; when it wakes up, it does not know that. */
export const freezePrimary: Fault = async ({ cluster: { sentinels }, random, down }) => {
  const old = await sentinels.primary();
  down();
  old.process.child.kill("SIGSTOP");
  await sentinels.untilSuccessorOf(old);
  await pause(random.between(0, 2_000));
  old.process.child.kill("SIGCONT");
  await sentinels.untilWhole();
};

/**
 * After a failover all servers and sentinels stop. The sentinels start again without their memory of it, so the
 * first primary is the primary again, on its older data, and the others copy that data.
 */
export const stalePrimary: Fault = async ({ cluster: { sentinels }, random, down }) => {
  const old = await sentinels.primary();
  down();
  await sentinels.kill(old);
  await sentinels.untilSuccessorOf(old);
  await pause(random.between(1_000, 3_000));
  await sentinels.startAnew(old);
  await sentinels.untilWhole();
};

/** A machine freezes for a long time: the primary on it, and the sentinel that gateways ask first. */
export const freezeMachine: Fault = async ({ cluster: { sentinels }, random, down }) => {
  const old = await sentinels.primary();
  down();
  sentinels.signalSentinel(0, "SIGSTOP");
  old.process.child.kill("SIGSTOP");
  try {
    await sentinels.untilSuccessorOf(old);
    await pause(random.between(5_000, 8_000));
  } finally {
    old.process.child.kill("SIGCONT");
    sentinels.signalSentinel(0, "SIGCONT");
  }
  await sentinels.untilWhole();
};

/** An operator asks for a failover; nothing is wrong. */
export const askedFailover: Fault = async ({ cluster: { sentinels }, down }) => {
  const old = await sentinels.primary();
  down();
  await sentinels.failOver();
  await sentinels.untilSuccessorOf(old);
  await sentinels.untilWhole();
};

/** The replicas receive nothing for a while, or lose their connections and connect again. */
export const cutReplication: Fault = async ({ cluster: { sentinels }, random }) => {
  const { proxy } = await sentinels.primary();
  if (random.next() < 0.5) {
    proxy.set("blackhole", "replication");
    await pause(random.between(200, 3_000));
    proxy.set("pass");
  } else proxy.cut("replication");
  await sentinels.untilWhole();
};

async function replace(sentinels: Sentinels, old: RedisServer, afterMs: number): Promise<void> {
  await sentinels.untilSuccessorOf(old);
  await pause(afterMs);
  await sentinels.revive(old);
  await sentinels.untilWhole();
}
