/** The rules for servers that have replicas, or must have them. */
import { formatBytes } from "./bytes.js";
import { bufferLimitRule, settingOf } from "./settings.js";
import type { Seen } from "./server.js";
import { ok, warning, wrong, type Rule } from "./verdict.js";

export const replicationRules: readonly Rule<Seen>[] = [
  {
    name: "role",
    value: "primary, or a replica connected to it",
    why: "a replica takes no writes; a disconnected one is behind when it is promoted",
    judge({ isReplica, about, needs }) {
      if (!isReplica) return ok("primary");
      const primary = `${about.get("master_host")}:${about.get("master_port")}`;
      if (!needs.hasSentinels) {
        return wrong(
          `a replica of ${primary}: REDIS_URL must lead to the primary, or ask Sentinel`,
        );
      }
      if (about.get("master_link_status") === "up") return ok(`a replica of ${primary}`);
      return wrong(
        about.get("master_sync_in_progress") === "1"
          ? `a replica of ${primary}, which it is copying from the start`
          : `a replica that does not reach its primary ${primary}: look at masterauth, tls-replication, its log`,
      );
    },
  },
  {
    name: "replicas",
    value: "two with Sentinel; as many as `ACK_REPLICAS` asks for",
    why: "with one, nothing is replicated while it is the primary or restarts",
    judge({ isReplica, replicas, needs }) {
      if (isReplica || (needs.replicas === 0 && replicas.length === 0)) return undefined;
      const online = replicas.filter(({ state }) => state === "online");
      const said = replicas.map(
        ({ at, state, lagSeconds }) => `${at} ${state}, heard of ${lagSeconds} s ago`,
      );
      const found = said.join("; ") || "none is connected";
      if (online.length < needs.replicas) return wrong(found);
      if (online.length < replicas.length) return warning(found);
      if (online.some(({ lagSeconds }) => lagSeconds > 10)) return warning(found);
      return needs.hasSentinels && online.length < 2 ? warning(`only ${found}`) : ok(found);
    },
  },
  {
    name: "min-replicas-to-write",
    value: "`1`, where there are two replicas (`min-replicas-max-lag 10`)",
    why: "a primary that is cut off refuses writes that its successor would not have",
    judge: whereReplicated(
      settingOf("min-replicas-to-write", (value, { isReplica, replicas, settings }) => {
        const lag = Number(settings?.get("min-replicas-max-lag"));
        const online = replicas.filter(
          ({ state, lagSeconds }) => state === "online" && lagSeconds <= lag,
        );
        if (value === "0") return warning("0", "CONFIG SET min-replicas-to-write 1");
        if (!isReplica && online.length < Number(value)) {
          return wrong(`${value}, and ${online.length} are in sync: writes are refused`);
        }
        if (lag === 0 || lag > 10) {
          return warning(
            `${value}, min-replicas-max-lag ${lag}`,
            "CONFIG SET min-replicas-max-lag 10",
          );
        }
        return ok(`${value} (min-replicas-max-lag ${lag})`);
      }),
    ),
  },
  whereReplicatedRule(
    bufferLimitRule({
      kind: "replica",
      value: "`replica`, a quarter and an eighth of `maxmemory`, `60`",
      why: "it comes on top of `maxmemory`; a replica that exceeds it is disconnected and needs a full resync",
      isGood: ({ hard }, { about }) => {
        const [most, backlog] = bytesOf(about, "maxmemory", "repl_backlog_size");
        return hard >= backlog! && (most === 0 || hard <= most! / 2);
      },
      set({ about }) {
        const [most] = bytesOf(about, "maxmemory");
        return most === 0 ? "256mb 64mb 60" : `${inMb(most! / 4)} ${inMb(most! / 8)} 60`;
      },
    }),
  ),
  {
    name: "repl-backlog-size",
    value: "a 32nd of `maxmemory`, or `16mb`",
    why: "a replica that was disconnected for longer than the backlog lasts needs a full resync",
    judge: whereReplicated(({ about }) => {
      const [size, most] = bytesOf(about, "repl_backlog_size", "maxmemory");
      const enough = most === 0 ? ENOUGH_BACKLOG : Math.min(ENOUGH_BACKLOG, most! / 32);
      if (size! >= enough * 0.99) return ok(formatBytes(size!));
      return warning(formatBytes(size!), `CONFIG SET repl-backlog-size ${inMb(enough)}`);
    }),
  },
];

const ENOUGH_BACKLOG = 16 * 2 ** 20;

function bytesOf(about: Seen["about"], ...fields: string[]): number[] {
  return fields.map((field) => Number(about.get(field) ?? 0));
}

function inMb(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 20)}mb`;
}

function whereReplicatedRule(rule: Rule<Seen>): Rule<Seen> {
  return { ...rule, judge: whereReplicated(rule.judge) };
}

function whereReplicated(judge: Rule<Seen>["judge"]): Rule<Seen>["judge"] {
  return (seen) => {
    const isReplicated = seen.isReplica || seen.replicas.length > 0 || seen.needs.replicas > 0;
    return isReplicated ? judge(seen) : undefined;
  };
}
