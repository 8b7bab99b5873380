/** The highly available Redis for Kubernetes, as its pods run it, and gateways on it. */
import { fileURLToPath } from "node:url";
import { stringify } from "yaml";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeCertificates, pemOf } from "../support/certificates.js";
import { whyNoEngine } from "../support/docker.js";
import { eventually } from "../support/eventually.js";
import { JsonClient } from "../support/json-client.js";
import { Pods } from "../support/pods.js";
import { Roamer } from "../support/roamer.js";
import { hasKubectl, rendered } from "./manifests.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const STORES = ["tertulia-redis-0", "tertulia-redis-1", "tertulia-redis-2"];
const GATEWAYS = ["tertulia-a", "tertulia-b"];
const secret = { password: 'of Redis: "quoted" \\ $x', "sentinel-password": "of the sentinels" };
const why = whyNoEngine() ?? (hasKubectl() ? undefined : "no kubectl here: pods are not tried");
if (why !== undefined) console.log(why);

describe.skipIf(why !== undefined)("the pods of overlays/ha", () => {
  let pods: Pods;
  let author: Roamer;
  let speaking: NodeJS.Timeout;

  beforeAll(async () => {
    const certificates = makeCertificates();
    const names = STORES.map((each) => `DNS:${each}.tertulia-redis`);
    certificates.issue("tls", names.join(","));
    const files = ["ca.crt", "tls.crt", "tls.key"];
    const tls = Object.fromEntries(files.map((each) => [each, pemOf(certificates, each)]));
    certificates.remove();
    pods = await Pods.open(`tertulia-pods-${process.pid}`, {
      manifests: rendered("overlays/ha")
        .map((each) => stringify(each))
        .join("---\n"),
      secrets: { "tertulia-redis": secret, "tertulia-redis-tls": tls },
      without: ["metrics", "sentinel-metrics"],
      standIns: {
        tertulia: {
          image: "node:24-trixie-slim",
          mounts: [`${ROOT}:/app:ro`],
          command: ["node", "/app/dist/main.js"],
        },
      },
    });
    await Promise.all(STORES.map((each) => pods.start(each)));
    await Promise.all(STORES.map((each) => pods.becomesReady(each)));
    await Promise.all(GATEWAYS.map((each) => pods.start(each)));
    await Promise.all(GATEWAYS.map((each) => pods.becomesReady(each)));
    const ports = await Promise.all(GATEWAYS.map((each) => pods.portOf(each, 9000)));
    author = new Roamer("ana", ports);
    await author.connect();
    speaking = setInterval(() => author.speak(), 100);
  }, 180_000);
  afterAll(async () => {
    clearInterval(speaking);
    author?.client?.webSocket.removeAllListeners("close").terminate();
    await pods?.[Symbol.asyncDispose]();
  }, 60_000);

  async function info(pod: string): Promise<Map<string, string>> {
    const text = await cli(pod, "redis", "info", "replication");
    return new Map(text.split("\r\n").map((line) => line.split(":") as [string, string]));
  }

  function cli(pod: string, ...words: string[]): Promise<string> {
    return pods.exec(pod, "redis", ["sh", "/scripts/cli.sh", ...words]);
  }

  /** All three serve, one of them as the primary of the two others. Returns its name. */
  async function isWhole(): Promise<string> {
    return eventually(async () => {
      const all = await Promise.all(STORES.map(info));
      const roles = all.map((each) => each.get("role"));
      expect(roles.filter((role) => role === "master")).toHaveLength(1);
      expect(roles.filter((role) => role === "slave")).toHaveLength(2);
      const primary = STORES[roles.indexOf("master")]!;
      for (const each of all.filter((one) => one.get("role") === "slave")) {
        expect(each.get("master_host")).toBe(`${primary}.tertulia-redis`);
        expect(each.get("master_link_status")).toBe("up");
      }
      return primary;
    }, 60_000);
  }

  /** The author's messages are acknowledged (again). */
  async function goesOn(): Promise<void> {
    const before = author.acknowledged.length;
    await eventually(() => expect(author.acknowledged.length).toBeGreaterThan(before + 2), 30_000);
  }

  /** How long the author waited at most for an acknowledgement, while this was done and went on. */
  async function longestWaitDuring(act: () => Promise<void>): Promise<number> {
    let [count, since, longest] = [author.acknowledged.length, performance.now(), 0];
    const watching = setInterval(() => {
      const now = performance.now();
      longest = Math.max(longest, now - since);
      if (author.acknowledged.length > count) [count, since] = [author.acknowledged.length, now];
    }, 50);
    await act().finally(() => clearInterval(watching));
    return longest;
  }

  /** What the sentinels of the other pods have logged. */
  async function sentinelsBeside(pod: string): Promise<string> {
    const others = STORES.filter((each) => each !== pod);
    const logs = await Promise.all(others.map((each) => pods.logsOf(each, "sentinel")));
    return logs.join("");
  }

  /** Every message that was acknowledged is in the history, once. */
  async function nothingIsLost(): Promise<void> {
    const acknowledged = [...author.acknowledged]; // more come while the history is read
    const client = await JsonClient.hello(author.port, "auditor");
    const texts: string[] = [];
    for (let before: number | undefined; ;) {
      const page = await client.asks({ type: "history", conv: "~", limit: 200, before });
      const messages = page["messages"] as { text: string; seq: number }[];
      texts.unshift(...messages.map(({ text }) => text));
      if (page["more"] !== true) break;
      before = messages[0]!.seq;
    }
    client.vanish();
    const counts = new Map<string, number>();
    for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
    expect(acknowledged.length).toBeGreaterThan(10);
    expect(acknowledged.filter((text) => counts.get(text) !== 1)).toEqual([]);
  }

  test("serve the gateways, and refuse clients without TLS and password", async () => {
    const primary = await isWhole();
    await goesOn();
    const bare = pods.exec(primary, "redis", ["timeout", "3", "redis-cli", "ping"]);
    await expect(bare).rejects.toThrow();
    const tls = ["redis-cli", "-e", "--tls", "--cacert", "/run/secrets/redis-tls/ca.crt"];
    await expect(pods.exec(primary, "redis", [...tls, "ping"])).rejects.toThrow(/NOAUTH/);
    await expect(pods.exec(primary, "redis", [...tls, "-p", "26379", "ping"])).rejects.toThrow(
      /NOAUTH/,
    );
  });

  test("are rolled one by one; the primary hands over first, and nothing is lost", async () => {
    const waited = await longestWaitDuring(async () => {
      for (const each of STORES.toReversed()) {
        const wasPrimary = (await isWhole()) === each;
        await pods.delete(each);
        if (wasPrimary) expect(await sentinelsBeside(each)).toContain("user requested FAILOVER");
        await goesOn();
        await pods.start(each);
        await pods.becomesReady(each);
      }
    });
    if (process.env["FIGURES"] !== undefined) console.log(`rolled: waited ${waited} ms`);
    await nothingIsLost();
  });

  test("hand over once the sentinels see all replicas, so that the next primary has one", async () => {
    const primary = await isWhole();
    const [gone, stays] = STORES.filter((each) => each !== primary) as [string, string];
    const asked = async (pod: string): Promise<number> =>
      (await pods.logsOf(pod, "sentinel")).split("user requested FAILOVER").length - 1;
    await pods.delete(gone);
    await eventually(async () => {
      expect(await cli(stays, "sentinel", "sentinel", "replicas", "chat")).toContain("s_down");
    }, 10_000);
    const before = await asked(stays);
    const deleting = pods.delete(primary);
    await new Promise((resolve) => setTimeout(resolve, 5_000)); // time to do it too early
    expect(await asked(stays)).toBe(before);
    await pods.start(gone);
    await deleting;
    expect((await asked(stays)) + (await asked(gone))).toBe(before + 1);
    await goesOn();
    await pods.start(primary);
    await pods.becomesReady(primary);
    await isWhole();
    await nothingIsLost();
  });

  test("take a backup", async () => {
    expect(await pods.runJob("tertulia-backup")).toMatch(
      /\.rdb: \d+ keys, \d+ bytes, from replica/,
    );
  });

  test("survive the loss of the primary's machine", async () => {
    const primary = await isWhole();
    const waited = await longestWaitDuring(async () => {
      await pods.kill(primary);
      await goesOn();
    });
    if (process.env["FIGURES"] !== undefined) console.log(`killed: waited ${waited} ms`);
    await pods.start(primary);
    expect(await isWhole()).not.toBe(primary);
    await nothingIsLost();
  });

  test("survive the loss of all machines, whichever comes back first", async () => {
    const primary = await isWhole();
    await Promise.all(STORES.map((each) => pods.kill(each)));
    const others = STORES.filter((each) => each !== primary);
    for (const each of [...others, primary]) await pods.start(each);
    await isWhole();
    await goesOn();
    await nothingIsLost();
  });
});
