/** The heartbeat, on a lease that the test holds. */
import { expect, onTestFinished, test } from "vitest";
import { Heartbeat } from "#tertulia/cluster/heartbeat.js";
import type { Head, NodeLease } from "#tertulia/cluster/ports.js";
import { observe } from "#tertulia/observe.js";
import { eventually } from "../support/eventually.js";

class FakeLease implements NodeLease {
  readonly joined: string[] = [];
  readonly retired: string[] = [];
  generation = 1;
  isOlder = false;
  isLost = false;
  renewals = 0;
  joining: () => Promise<void> = async () => {};

  async join(incarnation: string): Promise<Head[]> {
    await this.joining();
    this.joined.push(incarnation);
    this.isLost = false;
    return this.#heads();
  }

  async renew(): Promise<Head[]> {
    this.renewals++;
    return this.#heads();
  }

  async retire(incarnation: string): Promise<void> {
    this.retired.push(incarnation);
  }

  #heads(): Head[] {
    const { generation, isLost, isOlder } = this;
    const head = { generation, offset: 0 };
    return [{ bucket: 0, head, isMember: !isLost, timeMs: 1, isOlder }];
  }
}

interface Claims {
  readonly mayBeOlder: boolean;
  readonly end: () => void;
  readonly fail: () => void;
}

/** A node with a beat of 20 ms. `claims` are the claims of its sessions' names, each ended by the test. */
async function start(leaseMs = 60_000): Promise<{
  lease: FakeLease;
  heartbeat: Heartbeat;
  claims: Claims[];
}> {
  const lease = new FakeLease();
  const heartbeat = new Heartbeat(lease, { beatMs: 20, leaseMs }, observe("silent", "test"));
  const claims: Claims[] = [];
  await heartbeat.start({
    onHeads: () => {},
    onRejoin: (mayBeOlder) =>
      new Promise((end, reject) =>
        claims.push({ mayBeOlder, end, fail: () => reject(new Error("no answer")) }),
      ),
  });
  onTestFinished(async () => {
    for (const { end } of claims) end();
    await heartbeat.close();
  });
  return { lease, heartbeat, claims };
}

async function beats({ lease }: { lease: FakeLease }, count: number): Promise<void> {
  const until = lease.renewals + count;
  await eventually(() => expect(lease.renewals).toBeGreaterThanOrEqual(until));
}

test("after its lease was lost, a node is a member once its names are claimed, however many beats that takes", async () => {
  const node = await start();
  const { lease, heartbeat, claims } = node;
  const [first] = lease.joined;
  lease.isLost = true;
  await eventually(() => expect(claims).toHaveLength(1));
  expect(lease.joined).toEqual([first, heartbeat.incarnation]);
  expect(heartbeat.isMember).toBe(false);
  await beats(node, 5);
  expect(heartbeat.isMember).toBe(false);
  claims[0]!.end();
  await beats(node, 2);
  expect(heartbeat.isMember).toBe(true);
  expect(claims).toHaveLength(1);
});

test("in a new generation, a node stays a member while its names are claimed", async () => {
  const node = await start();
  const { lease, heartbeat, claims } = node;
  lease.generation++;
  await eventually(() => expect(claims).toHaveLength(1));
  expect(claims[0]!.mayBeOlder).toBe(true);
  expect(heartbeat.isMember).toBe(true);
  lease.generation++; // these claims may have come before it
  await beats(node, 2);
  claims[0]!.end();
  await eventually(() => expect(claims).toHaveLength(2));
  expect(heartbeat.isMember).toBe(true);
});

test("claims that fail are made again, and are told again that data may be older", async () => {
  const { lease, claims } = await start();
  lease.generation++;
  await eventually(() => expect(claims).toHaveLength(1));
  claims[0]!.fail();
  await eventually(() => expect(claims).toHaveLength(2));
  expect(claims[1]!.mayBeOlder).toBe(true);
});

test("a node that could not renew within its lease is no member, and claims its names when it can", async () => {
  const node = await start(100);
  const { lease, heartbeat, claims } = node;
  const renew = lease.renew.bind(lease);
  lease.renew = () => Promise.reject(new Error("no answer"));
  await eventually(() => expect(heartbeat.isMember).toBe(false));
  lease.renew = renew;
  await eventually(() => expect(claims).toHaveLength(1));
  expect(heartbeat.isMember).toBe(false);
  claims[0]!.end();
  await eventually(() => expect(heartbeat.isMember).toBe(true));
});

test("a node whose lease was lost is no member while it joins anew", async () => {
  const { lease, heartbeat } = await start();
  const wasMember: boolean[] = [];
  lease.joining = async () => void wasMember.push(heartbeat.isMember);
  lease.isLost = true;
  await eventually(() => expect(wasMember).toEqual([false]));
});

test("a node that leaves gives its lease back once, and is no member", async () => {
  const { lease, heartbeat } = await start();
  await heartbeat.close();
  await heartbeat.close();
  expect(lease.retired).toEqual(lease.joined);
  expect(heartbeat.isMember).toBe(false);
});
