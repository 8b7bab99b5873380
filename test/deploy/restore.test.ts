/** deploy/restore/kubernetes, on a kubectl that writes down what it is asked, and whose volumes are folders here. */
import { mkdir, mkdtemp, readFile, readdir, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { startRedis } from "../support/redis.js";
import { redisTools, script } from "../support/redis-tools.js";

const KUBECTL = `#!/bin/sh
echo "$*" >>"$WORK/asked"
case "$*" in
*"get deployment/tertulia"*) echo 2 ;;
*"get statefulset/tertulia-redis"*replicas*) echo 3 ;;
*"get statefulset/tertulia-redis"*) echo redis:8.0 ;;
"exec -i restore-"*)
  volume=$WORK/\${3#restore-}
  mkdir -p "$volume/data" "$volume/backup"
  shift 4
  for word in "$@"; do
    set -- "$@" "$(echo "$word" | sed -e "s,/backup/,$volume/backup/," -e "s,^/data$,$volume/data,")"
    shift
  done
  exec "$@"
  ;;
"apply -f -") cat >/dev/null ;;
esac
`;

const work = await mkdtemp(join(tmpdir(), "tertulia-restore-"));
const tools = await redisTools(join(work, "tools"));

describe.skipIf(tools === undefined)("a restore in Kubernetes", () => {
  const volumes = [0, 1, 2].map((number) => `data-tertulia-redis-${number}`);
  let folder: string;
  let backup: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(work, "run-"));
    await writeFile(join(tools!, "kubectl"), KUBECTL, { mode: 0o755 });
    const redis = await startRedis();
    await redis.client.set("tertulia:said", "before");
    const where = { REDIS_HOST: "127.0.0.1", REDIS_PORT: `${redis.port}`, BACKUP_DIR: folder };
    const env = { PATH: `${tools}:${process.env["PATH"]}`, ...where };
    expect(await script("deploy/backup/backup.sh", [], env)).toMatchObject({ code: 0 });
    await redis.close();
    backup = join(
      folder,
      (await readdir(folder)).find((name) => name.endsWith(".rdb"))!,
    );
    for (const volume of volumes) {
      await mkdir(join(folder, volume, "data"), { recursive: true });
      await writeFile(join(folder, volume, "data/dump.rdb"), "old");
    }
  });
  afterAll(() => rm(work, { recursive: true, force: true }));

  async function restore(): Promise<{ code: number; said: string; asked: string[] }> {
    const env = { PATH: `${tools}:${process.env["PATH"]}`, WORK: folder };
    const result = await script("deploy/restore/kubernetes", [backup], env);
    const asked = (await readFile(join(folder, "asked"), "utf8")).trim().split("\n");
    return { ...result, asked };
  }

  const scaled = (asked: string[]): string[] => asked.filter((each) => each.startsWith("scale"));
  const DOWN = [
    "scale deployment/tertulia --replicas=0",
    "scale statefulset/tertulia-redis --replicas=0",
  ];
  const UP = [
    "scale statefulset/tertulia-redis --replicas=3",
    "scale deployment/tertulia --replicas=2",
  ];

  test("puts the backup on each volume while nothing runs, and starts Redis, then the gateways", async () => {
    const { code, said, asked } = await restore();
    expect(code, said).toBe(0);
    expect(scaled(asked)).toEqual([...DOWN, ...UP]);
    const restored = asked.findIndex((each) => each.includes("sh -s"));
    expect(restored).toBeGreaterThan(asked.indexOf(DOWN[1]!));
    for (const volume of volumes) {
      const data = join(folder, volume, "data");
      expect(await readdir(data)).toContain("appendonlydir");
      const base = await readFile(join(data, "appendonlydir/appendonly.aof.1.base.rdb"));
      expect(base.equals(await readFile(backup))).toBe(true);
    }
  });

  test("starts nothing if a volume cannot be restored", async () => {
    await truncate(backup, 20);
    const { code, said, asked } = await restore();
    expect(code).toBe(1);
    expect(said).toContain("nothing was started again");
    expect(scaled(asked)).toEqual(DOWN);
    for (const volume of volumes) {
      expect(await readdir(join(folder, volume, "data"))).toEqual(["dump.rdb"]);
    }
  });
});
