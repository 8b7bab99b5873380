/** Membership policy and the audit: what a node does at each heartbeat, and with names that it should not have. */
import { expect, test } from "vitest";
import type { Name } from "#tertulia/chat/names.js";
import { Audit } from "#tertulia/cluster/audit.js";
import { membershipPolicy } from "#tertulia/cluster/membership.js";
import type { Head } from "#tertulia/cluster/ports.js";
import { observe } from "#tertulia/observe.js";

const ana = "ana" as Name;

/** A node whose rooms write down what they are asked; `failing` are those that fail. */
function policy(...failing: string[]) {
  const done: string[] = [];
  const step = async (what: string): Promise<void> => {
    done.push(what);
    await Promise.resolve();
    if (failing.includes(what)) throw new Error(`no ${what}`);
  };
  const logged: string[] = [];
  const watch = observe("warn", "test", {
    write: (line) => void logged.push((JSON.parse(line) as { event: string }).event),
  });
  const callbacks = membershipPolicy({
    feed: {
      lag: 7,
      compare: (bucket) => void done.push(`compare ${bucket}`),
      probe: () => void done.push("probe"),
      catchUp: () => step("catch up"),
    },
    audit: { doubt: () => void done.push("doubt"), next: () => step("audit") },
    reclaimNames: (mayBeOlder) => step(mayBeOlder ? "reclaim on older data" : "reclaim"),
    noteActivity: () => step("note activity"),
    countReplicas: () => step("count replicas"),
    observe: watch,
  });
  return { ...callbacks, done, logged, counters: watch.counters };
}

test("at each beat the feed is compared and proved, activity is noted, and a bucket is audited", async () => {
  const { onHeads, done, logged, counters } = policy();
  onHeads([{ bucket: 0 }, { bucket: 1 }] as Head[]);
  const rest = ["probe", "count replicas", "note activity", "audit"];
  expect(done).toEqual(["compare 0", "compare 1", ...rest]);
  expect((await counters.feedLag.get()).values[0]?.value).toBe(7);
  expect(logged).toEqual([]);
});

test("a failure at a beat is logged, and the other steps are done", async () => {
  const { onHeads, done, logged } = policy("count replicas", "audit");
  onHeads([]);
  expect(done).toEqual(["probe", "count replicas", "note activity", "audit"]);
  await expect.poll(() => logged.toSorted()).toEqual(["audit_failed", "replicas_not_counted"]);
});

test("before it is a member again a node claims its names, then reads what it missed", async () => {
  const { onRejoin, done } = policy();
  await onRejoin(false);
  expect(done.splice(0)).toEqual(["reclaim", "catch up"]);
  await onRejoin(true);
  expect(done).toEqual(["doubt", "reclaim on older data", "catch up"]);
});

test("a node that could not claim its names has not rejoined", async () => {
  const { onRejoin, done } = policy("reclaim");
  await expect(onRejoin(false)).rejects.toThrow("no reclaim");
  expect(done).toEqual(["reclaim"]);
});

/** An audit of a node with these names, in a store that counts others as its own as well. */
function audit({ held = [], signingOut = [] }: { held?: Name[]; signingOut?: Name[] }) {
  const owned: Name[][] = [[], []];
  const asked: string[] = [];
  const store = {
    owned: async (bucket: number): Promise<Name[]> => owned[bucket]!,
    disown: async (name: Name, but: readonly string[] = []): Promise<void> => {
      asked.push([name, ...but].join(" but "));
    },
  };
  const names = {
    isHeld: (name: Name) => held.includes(name),
    isSigningOut: (name: Name) => signingOut.includes(name),
    sessionsOf: (name: Name) => (held.includes(name) ? [`session of ${name}`] : []),
  };
  return { audit: new Audit(store, owned.length, names), owned, asked };
}

test("the audit gives back names that no session has, a bucket at a time", async () => {
  const [bob, eva] = ["bob", "eva"] as Name[] as [Name, Name];
  const node = audit({ held: [ana], signingOut: [bob] });
  node.owned[0] = [ana, bob, eva];
  node.owned[1] = ["old" as Name];
  await node.audit.next();
  expect(node.asked.splice(0)).toEqual(["eva"]);
  await node.audit.next();
  expect(node.asked.splice(0)).toEqual(["old"]);
  await node.audit.next();
  expect(node.asked).toEqual(["eva"]);
});

test.each([
  ["a name that it holds", { held: [ana] }, false, ["ana but session of ana"]],
  ["a name that it is signing out", { held: [ana], signingOut: [ana] }, true, []],
  ["a name that it has nothing to do with", {}, false, []],
  ["any name, after Redis may have come to hold older data", {}, true, ["ana"]],
])("a contest makes a node look at %s only", async (_, names, isDoubted, asked) => {
  const node = audit(names);
  if (isDoubted) node.audit.doubt();
  await node.audit.look(ana);
  expect(node.asked).toEqual(asked);
});

test("the doubt ends when all buckets have been audited", async () => {
  const node = audit({});
  node.audit.doubt();
  await node.audit.next();
  await node.audit.look(ana);
  expect(node.asked.splice(0)).toEqual(["ana"]);
  await node.audit.next();
  await node.audit.look(ana);
  expect(node.asked).toEqual([]);
});
