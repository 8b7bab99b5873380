/** The rules for a Redis server. Each is a line of the table in docs/operations.md. */
import { formatBytes } from "./bytes.js";
import { replicationRules } from "./replication-rules.js";
import { bufferLimitRule, settingOf } from "./settings.js";
import type { Seen } from "./server.js";
import { ok, warning, wrong, type Rule } from "./verdict.js";

export const serverRules: readonly Rule<Seen>[] = [
  {
    name: "version",
    value: "Redis or Valkey, 7.0 or later",
    why: "older ones have no functions",
    judge({ about }) {
      const valkey = about.get("valkey_version");
      const version = valkey ?? about.get("redis_version") ?? "unknown";
      const found = `${valkey === undefined ? "Redis" : "Valkey"} ${version}`;
      return Number.parseInt(version, 10) >= 7 ? ok(found) : wrong(found);
    },
  },
  {
    name: "mode",
    value: "`standalone`",
    why: "the subscription does not support a Cluster, and a Sentinel holds no data",
    judge({ about }) {
      const mode = about.get("redis_mode") ?? about.get("server_mode") ?? "unknown";
      if (mode === "sentinel")
        return wrong("a Sentinel: REDIS_URL is redis+sentinel://…/name then");
      return mode === "cluster" ? wrong("a node of a Cluster") : ok(mode);
    },
  },
  {
    name: "maxmemory-policy",
    value: "`noeviction`",
    why: "an evicted key is a lost name or conversation; with `noeviction` a full Redis refuses writes, and clients get error 6",
    judge({ about }) {
      const policy = about.get("maxmemory_policy") ?? "unknown";
      if (policy === "noeviction") return ok(policy);
      return wrong(policy, "CONFIG SET maxmemory-policy noeviction");
    },
  },
  {
    name: "maxmemory",
    value: "60 % of the container's limit, or of the machine's",
    why: "without it the kernel kills Redis where it should refuse writes; append-only file rewrites and buffers need the rest",
    judge({ about, needs }) {
      const maxmemory = Number(about.get("maxmemory"));
      const limit = needs.memoryLimit ?? Number(about.get("total_system_memory"));
      const whose = needs.memoryLimit === undefined ? "the machine's" : "the limit of";
      const found = `${maxmemory === 0 ? "none" : formatBytes(maxmemory)}, ${whose} ${formatBytes(limit)}`;
      const set = `CONFIG SET maxmemory ${Math.floor((limit * 0.6) / 2 ** 20)}mb`;
      if (maxmemory === 0 || maxmemory >= limit * 0.9) return wrong(found, set);
      return maxmemory > limit * 0.7 ? warning(found, set) : ok(found);
    },
  },
  {
    name: "memory in use",
    value: "below 80 % of `maxmemory`, and no key evicted",
    why: "at 100 % Redis refuses all new messages",
    judge({ about }) {
      const evicted = Number(about.get("evicted_keys"));
      if (evicted > 0) return wrong(`${evicted} keys were evicted: something is lost already`);
      const [used, most] = ["used_memory", "maxmemory"].map((field) => Number(about.get(field)));
      const found = formatBytes(used!);
      if (most === 0 || used! < most! * 0.8) return ok(found);
      const share = `${found}, ${Math.floor((used! / most!) * 100)} % of maxmemory`;
      return used! < most! * 0.95 ? warning(share) : wrong(share);
    },
  },
  {
    name: "appendonly",
    value: "`yes`",
    why: "acknowledged messages survive a restart",
    judge({ about }) {
      return about.get("aof_enabled") === "1"
        ? ok("yes")
        : wrong("no", "CONFIG SET appendonly yes");
    },
  },
  {
    name: "appendfsync",
    value: "`everysec`, or `always`",
    why: "a power failure may lose the last second; `always` costs a disk write for each batch",
    judge: settingOf("appendfsync", (value) => {
      return value === "no" ? wrong(value, "CONFIG SET appendfsync everysec") : ok(value);
    }),
  },
  {
    name: "auto-aof-rewrite-percentage",
    value: "`100`",
    why: "at 0 the append-only file grows until the disk is full",
    judge: settingOf("auto-aof-rewrite-percentage", (value) => {
      if (value !== "0") return ok(value);
      return warning("0", "CONFIG SET auto-aof-rewrite-percentage 100");
    }),
  },
  {
    name: "last writes to disk",
    value: "`ok`",
    why: "after a failed write Redis may refuse all writes, or keep acknowledged data in memory only",
    judge({ about }) {
      const failed = [
        "aof_last_write_status",
        "aof_last_bgrewrite_status",
        "rdb_last_bgsave_status",
      ]
        .filter((field) => (about.get(field) ?? "ok") !== "ok")
        .join(", ");
      if (failed === "") return ok("ok");
      return wrong(`failed: ${failed}; look for a full disk and at Redis' log`, "BGREWRITEAOF");
    },
  },
  bufferLimitRule({
    kind: "pubsub",
    value: "`pubsub 64mb 32mb 10`",
    why: "Redis disconnects a gateway that reads too slowly; the gateway reads what it missed from the log. A limit below one second of traffic disconnects it again and again",
    isGood: ({ hard, soft }) => hard >= 64 * 2 ** 20 && (soft === 0 || soft >= 32 * 2 ** 20),
    set: () => "64mb 32mb 10",
  }),
  {
    name: "tcp-keepalive",
    value: "`60`",
    why: "finds gateways that vanished",
    judge: settingOf("tcp-keepalive", (value) => {
      if (Number(value) > 0 && Number(value) <= 60) return ok(value);
      return warning(value, "CONFIG SET tcp-keepalive 60");
    }),
  },
  {
    name: "maxclients",
    value: "twice the connected clients",
    why: "a gateway has three connections, four with `ACK_LEVEL=replicated`, and during an upgrade both versions are connected",
    judge({ about }) {
      const [now, most] = ["connected_clients", "maxclients"].map((each) =>
        Number(about.get(each)),
      );
      const found = `${most}, ${now} connected`;
      if (Number.isNaN(most)) return { is: "unseen" };
      if (now! * 2 <= most!) return ok(found);
      const set = `CONFIG SET maxclients ${Math.max(1_000, now! * 4)}`;
      return now! < most! * 0.9 ? warning(found, set) : wrong(found, set);
    },
  },
  {
    name: "password",
    value: "required",
    why: "anyone who can reach a Redis without one can read and write everything",
    judge({ isOpenToAll, isLoopback, isReplica, replicas }) {
      if (!isOpenToAll) return ok("required");
      const set =
        isReplica || replicas.length > 0
          ? "CONFIG SET masterauth TEXT on all servers, SENTINEL SET NAME auth-pass TEXT on all sentinels, then CONFIG SET requirepass TEXT"
          : "CONFIG SET requirepass A-LONG-RANDOM-TEXT";
      const found = "the default user has none: anyone who can reach it gets in";
      return isLoopback ? warning(found, set) : wrong(found, set);
    },
  },
  {
    name: "rights",
    value: "the line below",
    why: "a gateway fails at the first command that its user may not run",
    judge({ refused, user, needs }) {
      const { commands, unknown, isKeyRefused, isChannelRefused } = refused;
      const patterns = [
        ...(isKeyRefused ? [`~${needs.prefix}:*`] : []),
        ...(isChannelRefused ? [`&${needs.prefix}:*`] : []),
      ];
      if (unknown.length > 0) return wrong(`this server has no ${unknown.join(", ")}`);
      if (commands.length + patterns.length === 0) return ok(`user ${user} has all that is needed`);
      const missing = [...patterns, ...commands.map((command) => `+${command}`)].join(" ");
      return wrong(`user ${user} lacks ${missing}`, `ACL SETUSER ${user} ${missing}`);
    },
  },
  {
    name: "clock",
    value: "within a second of the gateways' and the replicas'",
    why: "otherwise logs do not line up, and after a failover all leases expire early or late by the difference",
    judge({ aheadMs, needs }) {
      const found = `${Math.abs(aheadMs)} ms ${aheadMs < 0 ? "behind" : "ahead of"} this machine's`;
      const set = "timedatectl set-ntp true";
      if (Math.abs(aheadMs) <= 1_000) return ok(found);
      return needs.replicas > 0 && Math.abs(aheadMs) > needs.leaseMs
        ? wrong(found, set)
        : warning(found, set);
    },
  },
  ...replicationRules,
];
