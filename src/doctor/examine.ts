/** Examines all servers that a REDIS_URL leads to: the sentinels, the primary, the replicas. */
import type { Access } from "../redis/access.js";
import type { Place } from "../redis/address.js";
import { DialError, formatPlace, type Endpoint } from "./dial.js";
import { serverRules } from "./rules.js";
import { lookAtSentinel, replicaPlaces, sentinelRules, type SentinelSeen } from "./sentinels.js";
import { lookAtServer, type Needs, type Seen } from "./server.js";
import { judgeAll, type Finding, type Section } from "./verdict.js";

export interface Asked extends Pick<Needs, "prefix" | "leaseMs" | "memoryLimit"> {
  /** How many replicas ACK_LEVEL asks for; 0 if it is `fast`. */
  readonly ackReplicas: number;
}

export async function examine({ address, tls }: Access, asked: Asked): Promise<Section[]> {
  const toServer = (at: Place): Endpoint => ({ at, peer: "redis", login: address.login, tls });
  if (address.kind === "server") {
    const needs = { ...asked, replicas: asked.ackReplicas, hasSentinels: false };
    return [await examineServer(toServer(address.at), needs)];
  }
  const { name, sentinels, sentinelLogin: login } = address;
  const needs = { ...asked, replicas: Math.max(1, asked.ackReplicas), hasSentinels: true };
  const looks = await Promise.all(
    sentinels.map(async (at) => {
      const endpoint: Endpoint = { at, peer: "sentinel", login, tls };
      const title = `sentinel ${formatPlace(at)}`;
      try {
        const seen = await lookAtSentinel(endpoint, name, sentinels);
        return { seen, section: { title, findings: judgeAll(sentinelRules, seen) } };
      } catch (error) {
        return { seen: undefined, section: { title, findings: [unreachable(error)] } };
      }
    }),
  );
  const seen = looks.flatMap((look) => (look.seen === undefined ? [] : [look.seen]));
  const servers = placesOf(seen);
  const sections = await Promise.all(servers.map((at) => examineServer(toServer(at), needs)));
  return [...looks.map(({ section }) => section), ...disagreement(seen), ...sections];
}

async function examineServer(endpoint: Endpoint, needs: Needs): Promise<Section> {
  try {
    const seen = await lookAtServer(endpoint, needs);
    const findings = judgeAll(serverRules, seen);
    // the other rules make no sense for another kind of server
    const kind = findings.filter(({ name, is }) => name === "mode" && is === "wrong");
    const title = `${roleOf(seen)} ${formatPlace(endpoint.at)}`;
    return { title, findings: kind.length > 0 ? kind : findings };
  } catch (error) {
    return { title: `redis ${formatPlace(endpoint.at)}`, findings: [unreachable(error)] };
  }
}

function roleOf({ isReplica }: Seen): string {
  return isReplica ? "replica" : "primary";
}

function unreachable(error: unknown): Finding {
  const hint =
    error instanceof DialError
      ? ""
      : " (INFO, or SENTINEL GET-MASTER-ADDR-BY-NAME, must be allowed)";
  const found = `${(error as Error).message}${hint}`;
  return { name: "connection", is: "wrong", found, why: "a gateway that cannot connect waits" };
}

/** The primary first. */
function placesOf(seen: readonly SentinelSeen[]): Place[] {
  const places = [...seen.map(({ primary }) => primary), ...seen.flatMap(replicaPlaces)];
  return [...new Map(places.map((place) => [formatPlace(place), place])).values()];
}

function disagreement(seen: readonly SentinelSeen[]): Section[] {
  const named = new Set(seen.map(({ primary }) => formatPlace(primary)));
  if (named.size < 2) return [];
  const found = `the sentinels name ${[...named].join(" and ")}`;
  const why = "after a failover they agree within a second; if they still differ, one is cut off";
  return [
    { title: "sentinels together", findings: [{ name: "primary", is: "wrong", found, why }] },
  ];
}
