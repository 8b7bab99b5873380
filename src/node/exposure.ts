/** What a node can see at its start to be open to strangers: a warning for each. docs/security.md, before the internet. */
import { BlockList, isIP, isIPv4 } from "node:net";
import { networkInterfaces } from "node:os";
import type { Log } from "../observe.js";
import type { Access } from "../redis/access.js";

interface Exposed {
  readonly HOST?: string | undefined;
  readonly METRICS_PORT: number;
  readonly REDIS_CERT_FILE?: string | undefined;
  readonly TLS_CERT?: string | undefined;
  readonly TRUSTED_PROXIES?: string | undefined;
  /** As long as there is no other kind of identity, it is open. */
  readonly IDENTITY?: string;
  readonly TOKEN_SECRET?: string | undefined;
  readonly TOKEN_ISSUER?: string | undefined;
  readonly TOKEN_AUDIENCE?: string | undefined;
}

/** @param access how Redis is reached @param addresses those of this machine */
export function warnOfExposure(
  config: Exposed,
  access: Access,
  log: Log,
  addresses: readonly string[] = ownAddresses(),
): void {
  // who shows a certificate is known by it
  const stores = config.REDIS_CERT_FILE === undefined ? openStores(access) : [];
  for (const { peer, hosts } of stores) {
    log.warn(
      { event: "redis_unprotected", peer, hosts },
      "no password is needed, and the network is not this machine's own",
    );
  }
  if (takesTokensOfOthers(config)) {
    log.warn(
      { event: "tokens_unbound" },
      "every token that TOKEN_SECRET signs lets its user in, for whatever it was issued",
    );
  }
  const address = listenedAt(config.HOST, addresses).find(isPublic);
  if (address === undefined) return;
  if ((config.IDENTITY ?? "open") === "open") {
    log.warn(
      { event: "identity_open", address },
      "whoever takes a free name is that person, on a public address",
    );
  }
  if (config.TLS_CERT === undefined && config.TRUSTED_PROXIES === undefined) {
    log.warn(
      { event: "port_plain", address },
      "clients are served without TLS and without a proxy that has it, on a public address",
    );
  }
  if (config.METRICS_PORT !== 0) {
    log.warn({ event: "metrics_public", address }, "metrics are served on a public address");
  }
}

/** A secret may be shared with services that sign tokens for other uses, and nothing tells those apart. */
function takesTokensOfOthers(config: Exposed): boolean {
  if (config.IDENTITY !== "token" || config.TOKEN_SECRET === undefined) return false;
  return config.TOKEN_ISSUER === undefined && config.TOKEN_AUDIENCE === undefined;
}

/** Redis and sentinels that ask for nothing, on hosts other than this one. */
function openStores({ address }: Access): { peer: string; hosts: string[] }[] {
  const places =
    address.kind === "sentinel"
      ? [
          // where Redis itself is, only the sentinels know
          { peer: "redis", login: address.login, at: address.sentinels },
          { peer: "sentinel", login: address.sentinelLogin, at: address.sentinels },
        ]
      : [{ peer: "redis", login: address.login, at: [address.at] }];
  return places
    .filter(({ login }) => login.password === undefined)
    .map(({ peer, at }) => ({ peer, hosts: at.map(({ host }) => host).filter(isElsewhere) }))
    .filter(({ hosts }) => hosts.length > 0);
}

function isElsewhere(host: string): boolean {
  if (isIP(host) !== 0) return !isIn(LOOPBACK, host);
  return !/(?:^|\.)localhost$/i.test(host);
}

/** The addresses at which clients of other machines may reach this one; a host name is taken for a private one. */
function listenedAt(host: string | undefined, addresses: readonly string[]): readonly string[] {
  if (host === undefined || host === "0.0.0.0" || host === "::") return addresses;
  return isIP(host) === 0 ? [] : [host];
}

function ownAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flat()
    .map((each) => each?.address ?? "");
}

function isPublic(address: string): boolean {
  return isIP(address) !== 0 && !isIn(NOT_PUBLIC, address);
}

function isIn(list: BlockList, address: string): boolean {
  return list.check(address, isIPv4(address) ? "ipv4" : "ipv6");
}

const LOOPBACK = ranges("127.0.0.0/8 ::1/128");
/** What the internet does not route. IANA, special-purpose address registries. */
const NOT_PUBLIC = ranges(
  "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.168.0.0/16",
  "198.18.0.0/15 224.0.0.0/3 ::/127 fc00::/7 fe80::/10 ff00::/8",
);

function ranges(...lines: string[]): BlockList {
  const list = new BlockList();
  for (const range of lines.flatMap((line) => line.split(" "))) {
    const [address = "", prefix] = range.split("/");
    list.addSubnet(address, Number(prefix), isIPv4(address) ? "ipv4" : "ipv6");
  }
  return list;
}
