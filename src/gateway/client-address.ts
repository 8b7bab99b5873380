/**
 * The addresses of clients, also of those who come through a proxy. `addressOf` is the only question: what a trusted
 * proxy has told of a connection is kept beside it, and what anybody else tells is not heard.
 */
import { BlockList, SocketAddress, isIP, isIPv4, type Socket } from "node:net";

/** What a header of the PROXY protocol has told is final: what follows was written by the client. */
interface Told {
  readonly address: string | undefined;
  readonly by: "proxyHeader" | "forwardedFor";
}

const told = new WeakMap<Socket, Told>();

const LOOPBACK = ["127.0.0.0/8", "::1"];
const LOCAL = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"];
const LOCAL_IPV6 = ["fc00::/7", "fe80::/10"];
/** Ranges for proxies whose addresses are not known beforehand, as in the network of docker compose. */
const NAMED: Readonly<Record<string, readonly string[]>> = {
  loopback: LOOPBACK,
  private: [...LOOPBACK, ...LOCAL, ...LOCAL_IPV6],
};
/** Of a chain of proxies, so many places are looked at. */
const MAX_HOPS = 32;

/** The proxies that are believed: addresses, ranges, `loopback`, `private`. */
export class TrustedProxies {
  readonly #list = new BlockList();
  readonly #isEmpty: boolean;

  /** @param places the setting TRUSTED_PROXIES, which has been validated; none: nobody is believed */
  constructor(places: string | undefined) {
    const words = (places ?? "").split(",").map((word) => word.trim());
    const ranges = words.filter((word) => word !== "").flatMap((word) => NAMED[word] ?? [word]);
    this.#isEmpty = ranges.length === 0;
    for (const range of ranges) {
      const [address = "", prefix] = range.split("/");
      const type = typeOf(address);
      if (prefix === undefined) this.#list.addAddress(address, type);
      else this.#list.addSubnet(address, Number(prefix), type);
    }
  }

  has(address: string | undefined): boolean {
    if (this.#isEmpty || address === undefined) return false;
    return this.#list.check(address, typeOf(address));
  }

  /**
   * Hears the header X-Forwarded-For of a request that a trusted proxy sent: the client is the rightmost address that
   * is none of the proxies, because what stands to the left of it was written by the client.
   */
  hearForwarded(socket: Socket, forwarded: string | string[]): void {
    if (told.get(socket)?.by === "proxyHeader") return;
    const chain = [forwarded].flat().join(",").split(",").slice(-MAX_HOPS).toReversed();
    let address = peerOf(socket);
    for (const place of chain) {
      const next = addressIn(place.trim());
      if (next === undefined) break;
      address = next;
      if (!this.has(address)) break;
    }
    told.set(socket, { address, by: "forwardedFor" });
  }
}

/** Of networks that the internet does not route, shared addresses of providers and clouds (RFC 6598) among them. */
const PRIVATE = new TrustedProxies("private,100.64.0.0/10");

/** Whether an address stands for nobody on the internet: a balancer may have it, and then it stands for many clients. */
export function isPrivate(address: string | undefined): boolean {
  return address === undefined || PRIVATE.has(address);
}

/**
 * The client's address: what a trusted proxy has told, else that of the connection. One of IPv4 on a dual-stack socket
 * is told as IPv4, one of IPv6 in its shortest form. Undefined once the connection is gone.
 */
export function addressOf(socket: Socket): string | undefined {
  return told.get(socket)?.address ?? peerOf(socket);
}

/** Keeps what the header of the PROXY protocol has told of a connection; undefined: it tells no address. */
export function keepAddress(socket: Socket, source: string | undefined): void {
  const address = source === undefined ? peerOf(socket) : canonical(source);
  told.set(socket, { address, by: "proxyHeader" });
}

/** What was told of a connection is told of the encrypted one that goes through it. */
export function passAddress(from: Socket, to: Socket): void {
  const known = told.get(from);
  if (known !== undefined) told.set(to, known);
}

/** The other end of the TCP connection. */
export function peerOf({ remoteAddress }: Socket): string | undefined {
  return remoteAddress === undefined ? undefined : asIPv4(remoteAddress);
}

function asIPv4(address: string): string {
  return address.replace(/^::ffff:(?=[\d.]+$)/i, "");
}

function canonical(address: string): string {
  if (isIPv4(address)) return address;
  return asIPv4(new SocketAddress({ address, family: "ipv6" }).address);
}

/** An address as proxies write it, perhaps with a port: `192.0.2.1:80`, `[2001:db8::1]:80`. */
function addressIn(place: string): string | undefined {
  const bare =
    /^\[([\da-fA-F:.]+)\](?::\d{1,5})?$/.exec(place)?.[1] ??
    /^([\d.]+):\d{1,5}$/.exec(place)?.[1] ??
    place;
  return isIP(bare) === 0 || bare.includes("%") ? undefined : canonical(bare);
}

function typeOf(address: string): "ipv4" | "ipv6" {
  return isIPv4(address) ? "ipv4" : "ipv6";
}
