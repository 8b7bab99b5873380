import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import {
  config,
  downAll,
  exec,
  logs,
  upAll,
  upOne,
  type IDockerComposeOptions,
} from "docker-compose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePort } from "#tertulia/local-redis/server.js";
import { L } from "../support/classic-client.js";
import { docker, whyNoEngine } from "../support/docker.js";
import { eventually } from "../support/eventually.js";
import { Roamer } from "../support/roamer.js";

const cwd = fileURLToPath(new URL("../..", import.meta.url));
const project = `tertulia-test-${process.pid}`;
const image = `${project}-image`;
const why = whyNoEngine();
if (why !== undefined) console.log(why);

test.skipIf(why !== undefined)(
  "every profile and additional file is valid, and everything it mounts exists",
  async () => {
    const added = ["sentinel", "secure", "load-test"].flatMap((each) => [
      "-f",
      `deploy/${each}.yml`,
    ]);
    const composeOptions = ["-f", "docker-compose.yml", ...added, "--profile", "observability"];
    const { err, data } = await config({ cwd, composeOptions });
    expect(err).toBe(""); // no warning either
    const services = Object.values(data.config.services as Record<string, Service>);
    expect(services).toHaveLength(12);
    const mounts = services.flatMap(({ volumes = [] }) => volumes);
    const sources = mounts.filter(({ type }) => type === "bind").map(({ source }) => source);
    // the folder of backups comes with the first one
    const missing = sources.filter((each) => !existsSync(each) && !each.endsWith("/backups"));
    expect(missing).toEqual([]);
  },
);

interface Service {
  readonly volumes?: readonly { readonly type: string; readonly source: string }[];
}

describe.skipIf(why !== undefined)("docker compose up", () => {
  let port: number;
  let options: IDockerComposeOptions;
  let clients: Roamer[];

  beforeAll(async () => {
    port = await freePort();
    options = {
      cwd,
      composeOptions: ["-p", project],
      commandOptions: ["--build", "--wait"],
      env: { ...process.env, PORT: `${port}`, IMAGE: image, REDIS_MEMORY: "160m" },
    };
    await upAll(options).catch((result: unknown) => {
      throw new Error(JSON.stringify(result));
    });
    await eventually(async () => expect(await readiness()).toBe(200), 20_000);
    clients = ["ana", "bob", "eva"].map((name) => new Roamer(name, [port]));
    for (const client of clients) await client.connect();
  }, 300_000);
  afterAll(async () => {
    for (const { client } of clients) client?.webSocket.removeAllListeners("close").terminate();
    await downAll({ ...options, commandOptions: ["-v", "--rmi", "local", "-t", "1"] });
    execFileSync("docker", ["image", "rm", "-f", image], { stdio: "pipe" });
  }, 120_000);

  async function readiness(): Promise<number> {
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`);
    return answer.status;
  }

  /** Everybody is connected, and hears everybody. */
  async function talk(): Promise<void> {
    await eventually(() => {
      for (const { client } of clients) expect(client?.webSocket.readyState).toBe(1);
    }, 20_000);
    for (const { name, client } of clients) {
      const text = `${name} is here ${Math.random()}`;
      client!.says(4, L("~"), L(text));
      for (const other of clients) await other.client!.awaits(55, L(name), L(text));
    }
  }

  /** How those were sent away who were sent away meanwhile. */
  async function codesDuring(act: () => Promise<void>): Promise<string[]> {
    const seen = clients.map(({ closes }) => closes.length);
    await act();
    await eventually(() => expect(newCloses(seen)).not.toEqual([]), 20_000);
    await talk();
    return [...new Set(newCloses(seen))];
  }

  function newCloses(seen: number[]): string[] {
    const closes = clients.flatMap(({ closes }, i) => closes.slice(seen[i]));
    return closes.map((close) => close.split(" ").at(-1)!);
  }

  test("three clients on three gateways chat through the balancer", async () => {
    await talk();
  });

  test("gateways know clients by their own addresses, which these cannot forge", async () => {
    const inContainer = async (script: string): Promise<string> => {
      const run = await exec("redis", ["bash", "-c", script], {
        ...options,
        commandOptions: ["-T"],
      });
      return run.out.trim();
    };
    const forged = "X-Forwarded-For: 192.0.2.7\\r\\n";
    const request = `GET /?name=zoe HTTP/1.1\\r\\nHost: x\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\\r\\nSec-WebSocket-Version: 13\\r\\n${forged}\\r\\n`;
    const status = await inContainer(
      `exec 3<>/dev/tcp/balancer/9000; printf '${request}' >&3; read -r line <&3; echo "$line"`,
    );
    expect(status).toBe("HTTP/1.1 101 Switching Protocols");
    const own = await inContainer("hostname -i");
    const { out } = await logs("gateway", { ...options, commandOptions: [] });
    const lines = out.split("\n").filter((line) => line.includes('"connected"'));
    expect(lines.find((line) => line.includes('"zoe"'))).toContain(`"address":"${own}"`);
  });

  test("a gateway runs as an unprivileged user on a read-only file system, without a package manager", async () => {
    const managers = "npm npx yarn corepack apt apt-get dpkg";
    const script = `id -u; touch /app/x /tmp/x 2>&1; command -v ${managers} || echo none`;
    const { out } = await exec("gateway", ["sh", "-c", script], {
      ...options,
      commandOptions: ["-T"],
    });
    expect(out.split("\n")[0]!.trim()).toBe("1000");
    expect(out.match(/Read-only file system/g)).toHaveLength(2);
    expect(out.trim().split("\n").at(-1)).toBe("none");
  });

  test("the image lists the packages that it holds", async () => {
    const read = async (command: string): Promise<string> => {
      const run = await exec("gateway", ["sh", "-c", command], {
        ...options,
        commandOptions: ["-T"],
      });
      return run.out;
    };
    const { components } = JSON.parse(await read("cat sbom.cdx.json")) as {
      components: { name: string; version: string; licenses: unknown[] }[];
    };
    const held = await read(
      `cd node_modules && for each in * @*/*; do [ -f $each/package.json ] && node -p "const { name, version } = require('./$each/package.json'); name + ' ' + version"; done`,
    );
    const listed = components.filter(({ name }) => name !== "preact"); // in the page
    expect(listed).toHaveLength(components.length - 1);
    expect(listed.map(({ name, version }) => `${name} ${version}`).toSorted()).toEqual(
      held.trim().split(/\r?\n/).toSorted(),
    );
    for (const { licenses } of components) expect(licenses).toHaveLength(1);
  });

  test("a killed gateway's client is back through another one", async () => {
    const codes = await codesDuring(async () => {
      expect(await docker("kill", `${project}-gateway-1`)).toMatchObject({ exitCode: 137 });
    });
    expect(codes).toEqual(["1006"]);
    await docker("start", `${project}-gateway-1`);
  });

  test("a stopped gateway drains and ends with 0; its clients are told, and lose no name", async () => {
    const refused = clients.flatMap(({ refusals }) => refusals).length;
    const codes = await codesDuring(async () => {
      const state = await docker("stop", `${project}-gateway-2`);
      expect(state).toMatchObject({ status: "exited", exitCode: 0 });
    });
    expect(codes).toEqual(["1012"]);
    expect(clients.flatMap(({ refusals }) => refusals)).toHaveLength(refused);
    await docker("start", `${project}-gateway-2`);
  });

  test("a frozen gateway's clients are cut by the balancer and back through another one", async () => {
    const codes = await codesDuring(async () => {
      await docker("pause", `${project}-gateway-3`);
    });
    expect(codes).toEqual(["1006"]);
    await docker("unpause", `${project}-gateway-3`);
  });

  test("while Redis is away all clients are told so and stay connected", async () => {
    const closed = clients.flatMap(({ closes }) => closes);
    const here = clients.map(({ client }) => client!);
    await docker("kill", `${project}-redis-1`);
    for (const client of here) client.says(4, L("~"), L("into the void"));
    for (const client of here) await client.awaits(50, 6);
    await docker("start", `${project}-redis-1`);
    await eventually(async () => expect(await readiness()).toBe(200), 20_000);
    await talk();
    expect(clients.flatMap(({ closes }) => closes)).toEqual(closed);
  });

  test("a full Redis refuses writes instead of being killed, and goes on with a higher limit", async () => {
    const redis = async (...command: string[]): Promise<string> => {
      const cli = ["sh", "/scripts/cli.sh", "redis", ...command];
      return (await exec("redis", cli, { ...options, commandOptions: ["-T"] })).out;
    };
    const limit = async (): Promise<number> => {
      const [, bytes] = (await redis("config", "get", "maxmemory")).split("\n");
      return Number(bytes);
    };
    const { process: before } = await redisState();
    const maxmemory = await limit();
    expect(maxmemory).toBe(Math.round(160 * 1024 * 1024 * 0.6));
    // a megabyte at a time, until it refuses; then some of it changes while the file is written anew
    const fill = `cli="sh /scripts/cli.sh redis"
      for i in $(seq 1000); do head -c 1000000 /dev/zero | $cli -x set filler:$i || break; done
      $cli bgrewriteaof
      for i in $(seq 40); do head -c 100000 /dev/urandom | $cli -x setrange filler:$i 0; done; true`;
    const filling = await exec("redis", ["sh", "-c", fill], { ...options, commandOptions: ["-T"] });
    expect(`${filling.out}${filling.err}`).toContain("OOM command not allowed");
    // there is room for less than a megabyte still
    await redis("config", "set", "maxmemory", `${maxmemory - 2_000_000}`);
    const [ana] = clients;
    ana!.client!.says(4, L("~"), L("into the void"));
    await ana!.client!.awaits(50, 6);
    await eventually(async () => {
      expect(await redis("info", "persistence")).toMatch(/aof_rewrite_in_progress:0\r?$/m);
    }, 30_000);
    await redis("config", "set", "maxmemory", `${maxmemory + 10_000_000}`);
    await talk();
    expect(await redisState()).toMatchObject({ process: before, wasKilled: false });
    await redis("eval", "for i=1,1000 do redis.call('del', 'filler:'..i) end", "0");
    await redis("config", "set", "maxmemory", `${maxmemory}`);
  });

  /** Which process it is, and whether the kernel has ever killed it for its memory. */
  async function redisState(): Promise<{ process: string; wasKilled: boolean }> {
    const format = "{{.State.Pid}} {{.State.OOMKilled}}";
    const said = execFileSync("docker", ["inspect", "-f", format, `${project}-redis-1`], {
      encoding: "utf8",
    });
    const [pid = "", killed] = said.trim().split(" ");
    return { process: pid, wasKilled: killed === "true" };
  }

  test("scaled to one and back to three, everybody stays", async () => {
    const scaleTo = (count: number): Promise<unknown> => {
      const scale = ["--wait", "--no-deps", "--no-recreate", "--scale", `gateway=${count}`];
      return upOne("gateway", { ...options, commandOptions: scale });
    };
    await scaleTo(1);
    await talk();
    await scaleTo(3);
    const codes = await codesDuring(async () => {
      await docker("stop", `${project}-gateway-1`);
    });
    expect(codes).toEqual(["1012"]);
  });
});
