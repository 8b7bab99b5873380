/** What happens to the cluster `blue`, and which alerts that sets off. */
import { followed, job, leader, one, primary, target } from "./alert-series.js";
import type { During, Series } from "./alert-worlds.js";

export interface Case {
  readonly alert: string;
  readonly what: string;
  readonly during: readonly [concerns: (series: Series) => boolean, During][];
  /** Series that are there only meanwhile. */
  readonly adds?: readonly Series[];
  /** Other alerts that the same fault sets off by the same time. */
  readonly also?: readonly string[];
  /** Beside the alert's own `for`: until a rate has risen. */
  readonly risesWithinS?: number;
}

export const CASES: readonly Case[] = [
  {
    alert: "TertuliaNobodyReady",
    what: "no gateway is ready",
    during: [followed("tertulia_ready", 0)],
  },
  {
    alert: "TertuliaVanished",
    what: "all gateways are gone, and nobody looks for them",
    during: [[job("tertulia"), "gone"]],
  },
  {
    alert: "TertuliaTargetDown",
    what: "a gateway does not answer",
    during: [followed("up", 0, one), [target("tertulia-1", ["up"]), "gone"]],
  },
  {
    alert: "TertuliaTargetDown",
    what: "an exporter does not answer",
    during: [followed("up", 0, { instance: "r3" }), [target("r3", ["up"]), "gone"]],
  },
  {
    alert: "TertuliaNotReady",
    what: "one gateway is not ready",
    during: [followed("tertulia_ready", 0, one)],
  },
  {
    alert: "TertuliaAlone",
    what: "a gateway lets its clients go",
    during: [followed("tertulia_let_go_total", { perStep: 5 }, { ...one, why: "alone" })],
    risesWithinS: 60,
  },
  {
    alert: "TertuliaRestarts",
    what: "a gateway is another process at each look",
    during: [followed("tertulia_process_start_time_seconds", { perStep: 30 }, one)],
    risesWithinS: 90,
  },
  {
    alert: "TertuliaLeaders",
    what: "nobody leads",
    during: [followed("tertulia_leading", 0, leader)],
  },
  {
    alert: "TertuliaLeaders",
    what: "two lead",
    during: [followed("tertulia_leading", 1, one)],
  },
  {
    alert: "TertuliaEventsMissing",
    what: "a gap cannot be filled",
    during: [followed("tertulia_feed_holes_total", { perStep: 1 }, one)],
    risesWithinS: 60,
  },
  {
    alert: "TertuliaRolledBack",
    what: "Redis came back with older data",
    during: [followed("tertulia_rollbacks_total", { perStep: 1 }, one)],
    risesWithinS: 60,
  },
  {
    alert: "TertuliaFeedBehind",
    what: "a gateway does not keep up",
    during: [followed("tertulia_feed_lag_events", 1_500, one)],
  },
  {
    alert: "TertuliaSubscriptionsReplaced",
    what: "a gateway subscribes every half minute",
    during: [followed("tertulia_feed_resubscriptions_total", { perStep: 1 }, one)],
    risesWithinS: 240,
  },
  {
    alert: "TertuliaSlowDelivery",
    what: "messages take half a second",
    during: [followed("tertulia_delivery_seconds_bucket", { perStep: 50 }, { le: "0.1" })],
    risesWithinS: 60,
  },
  {
    alert: "TertuliaRedisErrors",
    what: "each gateway's calls fail, slowly one by one",
    during: [followed("tertulia_redis_call_errors_total", { perStep: 15 })],
    risesWithinS: 270,
  },
  {
    alert: "TertuliaCertificate",
    what: "the certificate of Redis ends in five days",
    during: [followed("tertulia_redis_certificate_end_timestamp_seconds", 5 * 86_400)],
  },
  {
    alert: "TertuliaCertificate",
    what: "the certificate for clients ends in five days",
    during: [followed("tertulia_certificate_end_timestamp_seconds", 5 * 86_400)],
  },
  {
    alert: "TertuliaEventLoopSlow",
    what: "an event loop is late",
    during: [followed("tertulia_nodejs_eventloop_lag_p99_seconds", 0.4, one)],
  },
  {
    alert: "TertuliaSlowReaders",
    what: "two clients a second are cut",
    during: [followed("tertulia_slow_readers_total", { perStep: 60 }, one)],
    risesWithinS: 180,
  },
  {
    alert: "TertuliaUsersLost",
    what: "the leader signs out users of a dead gateway",
    during: [followed("tertulia_swept_total", { perStep: 2 }, { ...leader, kind: "lost" })],
    risesWithinS: 60,
  },
  {
    alert: "TertuliaConnections",
    what: "a gateway is nearly full, both dialects taken together",
    during: [
      followed("tertulia_connections", 9_000, { ...one, dialect: "json" }),
      followed("tertulia_connections", 8_000, { ...one, dialect: "classic" }),
    ],
  },
  {
    alert: "TertuliaConnections",
    what: "a gateway may open few files",
    during: [followed("tertulia_process_max_fds", 5_500, one)],
  },
  {
    alert: "TertuliaRedisDown",
    what: "a replica does not answer its exporter",
    during: [
      followed("redis_up", 0, { instance: "r3" }),
      [target("r3", ["up", "redis_up"]), "gone"],
    ],
  },
  {
    alert: "TertuliaNoPrimary",
    what: "the primary is gone, and nobody takes its place",
    during: [followed("redis_up", 0, primary), [target("r1", ["up", "redis_up"]), "gone"]],
    also: ["TertuliaRedisDown"],
    risesWithinS: 60,
  },
  {
    alert: "TertuliaNoPrimary",
    what: "all are replicas",
    during: [followed("redis_instance_info", "gone", primary)],
  },
  {
    alert: "TertuliaSeveralPrimaries",
    what: "a second server says that it is the primary",
    during: [followed("redis_instance_info", "gone", { instance: "r2" })],
    adds: [
      {
        name: "redis_instance_info",
        labels: {
          cluster: "blue",
          namespace: "chat",
          job: "tertulia-redis",
          instance: "r2",
          part_of: "tertulia",
          role: "master",
          maxmemory_policy: "noeviction",
        },
        is: 1,
      },
    ],
  },
  {
    alert: "TertuliaReplicaMissing",
    what: "the sentinels miss a replica",
    during: [followed("redis_sentinel_master_ok_slaves", 1)],
  },
  {
    alert: "TertuliaReplicaMissing",
    what: "the primary has one replica less than it had, and there are no sentinels",
    during: [
      followed("redis_connected_slaves", 1, primary),
      followed("redis_sentinel_master_slaves", "gone"),
      followed("redis_sentinel_masters", "gone"),
    ],
  },
  {
    alert: "TertuliaReplicationBroken",
    what: "a replica has lost its primary",
    during: [followed("redis_master_link_up", 0, { instance: "r2" })],
  },
  {
    alert: "TertuliaReplicationBroken",
    what: "a replica says nothing for a while",
    during: [followed("redis_connected_slave_lag_seconds", 25, { slave_ip: "r3" })],
  },
  {
    alert: "TertuliaSentinelMissing",
    what: "two sentinels do not see the third",
    during: [followed("redis_sentinel_master_ok_sentinels", 2)],
  },
  {
    alert: "TertuliaSentinelQuorum",
    what: "a sentinel says that there is no quorum",
    during: [followed("redis_sentinel_master_ckquorum_status", 0, { instance: "s1" })],
  },
  {
    alert: "TertuliaRedisMemory",
    what: "Redis fills",
    during: [followed("redis_memory_used_bytes", 500e6, primary)],
  },
  {
    alert: "TertuliaRedisFull",
    what: "Redis is full",
    during: [followed("redis_memory_used_bytes", 595e6, primary)],
  },
  {
    alert: "TertuliaRedisEvicts",
    what: "Redis evicts",
    during: [followed("redis_evicted_keys_total", { perStep: 5 }, primary)],
    risesWithinS: 60,
  },
  {
    alert: "TertuliaRedisSettings",
    what: "Redis has no maxmemory",
    during: [followed("redis_memory_max_bytes", 0, primary)],
  },
  {
    alert: "TertuliaRedisSettings",
    what: "Redis keeps no append-only file",
    during: [followed("redis_aof_enabled", 0, primary)],
  },
  {
    alert: "TertuliaRedisPersistence",
    what: "Redis cannot write its append-only file",
    during: [followed("redis_aof_last_write_status", 0, primary)],
  },
  {
    alert: "TertuliaRedisPersistence",
    what: "Redis cannot write it anew",
    during: [followed("redis_aof_last_bgrewrite_status", 0, primary)],
  },
  {
    alert: "TertuliaRedisPersistence",
    what: "Redis cannot write a snapshot",
    during: [followed("redis_rdb_last_bgsave_status", 0, primary)],
  },
  {
    alert: "TertuliaRedisConnections",
    what: "Redis has nearly as many clients as it may",
    during: [followed("redis_connected_clients", 9_000, primary)],
  },
  {
    alert: "TertuliaRedisConnections",
    what: "Redis turns clients away",
    during: [followed("redis_rejected_connections_total", { perStep: 1 }, primary)],
    risesWithinS: 60,
  },
  {
    alert: "TertuliaDiskFull",
    what: "a volume of Kubernetes is nearly full",
    during: [followed("kubelet_volume_stats_available_bytes", 0.4e9)],
  },
  {
    alert: "TertuliaDiskFull",
    what: "the disk of a machine is nearly full",
    during: [[({ name }) => name === "node_filesystem_avail_bytes", 9e9]],
  },
  {
    alert: "TertuliaBackupOld",
    what: "no backup has succeeded since the day before yesterday",
    during: [followed("kube_cronjob_status_last_successful_time", -200_000)],
  },
  {
    alert: "TertuliaBackupOld",
    what: "no backup has succeeded ever",
    during: [
      followed("kube_cronjob_status_last_successful_time", "gone"),
      followed("kube_cronjob_created", -200_000),
    ],
  },
  {
    alert: "TertuliaBackupOld",
    what: "no backup has succeeded since the day before yesterday, under compose",
    during: [[({ name }) => name === "tertulia_backup_last_success_timestamp_seconds", -200_000]],
  },
];
