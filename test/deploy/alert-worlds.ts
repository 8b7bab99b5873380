/** Healthy clusters as series for `promtool test rules`, and what happens to one of them. */

export const STEP_S = 30;
export const STEPS = 68;
/** When a fault begins and ends, in steps. */
export const BEGINS = 6;
export const ENDS = 32;

export interface Series {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** What it is while all is well: a gauge, or a counter that grows by `perStep`. */
  readonly is: number;
  readonly perStep?: number;
}

/** What a series is during a fault: a value, a counter's growth at each step, or not there; or there only then. */
export type During = number | { readonly perStep: number } | "gone" | "new";

function gateway(labels: Series["labels"], leads: boolean): Series[] {
  const series = (name: string, is: number, more = {}): Series => ({
    name,
    labels: { ...labels, ...more },
    is,
  });
  return [
    series("up", 1, { part_of: "tertulia" }),
    series("tertulia_ready", 1),
    series("tertulia_leading", leads ? 1 : 0),
    series("tertulia_process_start_time_seconds", 1_000),
    series("tertulia_feed_lag_events", 3),
    series("tertulia_nodejs_eventloop_lag_p99_seconds", 0.01),
    // Prometheus' tool begins in 1970
    series(
      "tertulia_redis_certificate_end_timestamp_seconds",
      labels["cluster"] === "blue" ? 5e6 : 0,
    ),
    series("tertulia_certificate_end_timestamp_seconds", labels["cluster"] === "blue" ? 6e6 : 0),
    series("tertulia_connections", 3_000, { dialect: "json" }),
    series("tertulia_connections", 2_000, { dialect: "classic" }),
    series("tertulia_connections_limit", 20_000),
    series("tertulia_process_open_fds", 5_020),
    series("tertulia_process_max_fds", 1_048_576),
    series("tertulia_feed_holes_total", 7),
    series("tertulia_feed_resubscriptions_total", 7),
    series("tertulia_redis_call_errors_total", 7),
    series("tertulia_slow_readers_total", 7),
    series("tertulia_let_go_total", 0, { why: "alone" }),
    series("tertulia_rollbacks_total", 0),
    series("tertulia_swept_total", 5, { kind: "lost" }),
    { ...series("tertulia_swept_total", 5, { kind: "idle" }), perStep: 3 },
    { ...series("tertulia_delivery_seconds_bucket", 0, { le: "0.1" }), perStep: 100 },
    { ...series("tertulia_delivery_seconds_bucket", 0, { le: "0.5" }), perStep: 100 },
    { ...series("tertulia_delivery_seconds_bucket", 0, { le: "+Inf" }), perStep: 100 },
  ];
}

function redis(labels: Series["labels"], replicas: number | "replica"): Series[] {
  const series = (name: string, is: number, more = {}): Series => ({
    name: `redis_${name}`,
    labels: { ...labels, part_of: "tertulia", ...more },
    is,
  });
  const role = replicas === "replica" ? "slave" : "master";
  const following = replicas === "replica" ? 0 : replicas;
  return [
    { name: "up", labels: { ...labels, part_of: "tertulia" }, is: 1 },
    series("up", 1),
    series("instance_info", 1, { role, maxmemory_policy: "noeviction", redis_mode: "standalone" }),
    series("connected_slaves", following),
    ...Array.from({ length: following }, (_, i) =>
      series("connected_slave_lag_seconds", 1, { slave_ip: `r${i + 2}`, slave_port: "6379" }),
    ),
    ...(replicas === "replica" ? [series("master_link_up", 1, { master_host: "r1" })] : []),
    series("memory_used_bytes", 300e6),
    series("memory_max_bytes", 600e6),
    series("aof_enabled", 1),
    series("aof_last_write_status", 1),
    series("aof_last_bgrewrite_status", 1),
    series("rdb_last_bgsave_status", 1),
    series("connected_clients", 30),
    series("max_clients", 10_000),
    series("evicted_keys_total", 0),
    series("rejected_connections_total", 0),
  ];
}

function sentinel(labels: Series["labels"]): Series[] {
  const series = (name: string, is: number, more = {}): Series => ({
    name: `redis_${name}`,
    labels: { ...labels, part_of: "tertulia", ...more },
    is,
  });
  const about = { master_name: "chat", master_address: "r1:6379" };
  return [
    { name: "up", labels: { ...labels, part_of: "tertulia" }, is: 1 },
    series("up", 1),
    series("instance_info", 1, { role: "", maxmemory_policy: "", redis_mode: "sentinel" }),
    series("connected_clients", 8),
    series("max_clients", 10_000),
    series("rejected_connections_total", 0),
    series("sentinel_masters", 1),
    series("sentinel_master_slaves", 2, about),
    series("sentinel_master_ok_slaves", 2, about),
    series("sentinel_master_sentinels", 3, about),
    series("sentinel_master_ok_sentinels", 3, about),
    series("sentinel_master_ckquorum_status", 1, { master_name: "chat", message: "OK" }),
  ];
}

const MACHINE: Series[] = [
  ["kubelet_volume_stats_available_bytes", 3e9],
  ["kubelet_volume_stats_capacity_bytes", 4e9],
].map(([name, is]) => ({
  name: `${name}`,
  labels: { job: "kubelet", namespace: "chat", persistentvolumeclaim: "data-tertulia-redis-0" },
  is: Number(is),
}));

const CRON = { job: "kube-state-metrics", namespace: "chat", cronjob: "tertulia-backup" };

/** A cluster of three gateways on three Redis servers and three sentinels, in Kubernetes. */
function highlyAvailable(cluster: string, release: string): Series[] {
  const labels = { cluster, namespace: "chat" };
  const at = (job: string, instance: string): Series["labels"] => ({ ...labels, job, instance });
  const job = `${release}-redis`;
  return [
    ...[1, 2, 3].flatMap((i) => gateway(at(release, `${release}-${i}`), i === 2)),
    ...redis(at(job, "r1"), 2),
    ...["r2", "r3"].flatMap((instance) => redis(at(job, instance), "replica")),
    ...["s1", "s2", "s3"].flatMap((instance) => sentinel(at(job, instance))),
  ];
}

/** One gateway on one Redis, of compose: nothing says which namespace. */
function single(cluster: string): Series[] {
  const at = (job: string, instance: string): Series["labels"] => ({ cluster, job, instance });
  return [
    ...gateway(at("tertulia", `${cluster}:9100`), true),
    ...redis(at("tertulia-redis", `${cluster}-redis:6379`), 0),
    {
      name: "tertulia_backup_last_success_timestamp_seconds",
      labels: { ...at("tertulia-machine", cluster), part_of: "tertulia" },
      is: 0,
    },
    ...(["avail", "size"] as const).map((which) => ({
      name: `node_filesystem_${which}_bytes`,
      labels: { ...at("tertulia-machine", cluster), part_of: "tertulia", mountpoint: "/redis" },
      is: which === "avail" ? 50e9 : 100e9,
    })),
  ];
}

/** Another's Redis and gateways without any of our labels. */
const OTHERS: Series[] = [
  { name: "up", labels: { job: "node", instance: "n1" }, is: 0 },
  { name: "redis_up", labels: { job: "cache", instance: "c1" }, is: 0 },
  {
    name: "redis_instance_info",
    labels: { job: "cache", instance: "c2", role: "master", maxmemory_policy: "allkeys-lru" },
    is: 1,
  },
  { name: "redis_memory_max_bytes", labels: { job: "cache", instance: "c2" }, is: 0 },
  { name: "redis_evicted_keys_total", labels: { job: "cache" }, is: 0, perStep: 50 },
  ...gateway({ job: "by-hand", instance: "laptop:9100" }, true),
];

/**
 * Two releases side by side in one namespace, one of them called `blue`, which is what faults happen to; a single
 * one; one that was wired by hand, without a label; and servers of other people.
 */
export const WORLD: readonly Series[] = [
  ...highlyAvailable("blue", "tertulia"),
  ...highlyAvailable("green", "tertulia-green"),
  ...single("small"),
  ...MACHINE,
  { name: "kube_cronjob_created", labels: CRON, is: 0 },
  { name: "kube_cronjob_status_last_successful_time", labels: CRON, is: 0 },
  ...OTHERS,
];

/** In promtool's notation. */
export function values({ is, perStep = 0 }: Series, during: During | undefined): string {
  const run = (from: number, step: number, count: number): string =>
    `${from}${step < 0 ? "" : "+"}${step}x${count - 1}`;
  if (during === undefined) return run(is, perStep, STEPS);
  const atBegin = is + perStep * BEGINS;
  const long = ENDS - BEGINS;
  if (during === "gone") {
    const back = atBegin + perStep * long;
    const gone = `stale _x${long - 1}`;
    return [run(is, perStep, BEGINS), gone, run(back, perStep, STEPS - ENDS)].join(" ");
  }
  if (during === "new") return [`_x${BEGINS}`, run(is, perStep, long), "stale"].join(" ");
  const grows = typeof during === "object";
  const step = grows ? during.perStep : 0;
  const from = grows ? atBegin : during;
  const after = grows ? atBegin + step * long : atBegin;
  return [run(is, perStep, BEGINS), run(from, step, long), run(after, perStep, STEPS - ENDS)].join(
    " ",
  );
}
