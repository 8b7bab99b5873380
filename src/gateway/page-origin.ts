/**
 * Which pages may connect: a browser tells the origin of the page that opens a WebSocket, and connects for any page to
 * any server that it can reach. RFC 6455 §10.2. What no browser sends is none of its pages: other programs send no
 * Origin, or odd ones, and could send any. PROTOCOL.md, pages.
 */
import type { IncomingHttpHeaders } from "node:http";

export interface PageSettings {
  /** The setting ALLOWED_ORIGINS, which has been validated; none: the pages of the host that they connect to. */
  readonly allowedOrigins: string | undefined;
  /** What this machine is called. */
  readonly machine: string;
}

/** How browsers write an origin: never with a path. RFC 6454 §6.2. */
const ORIGIN = /^(?:null|[a-z][a-z0-9+.-]*:\/\/[^\s/?#@]*)$/i;
/** Every browser sends the first three; no page can leave them out or change them. */
const OF_BROWSERS = ["user-agent", "accept-language", "accept-encoding", "sec-fetch-mode"];
/** A page cannot send these with a WebSocket: a proxy did. */
const OF_PROXIES = ["forwarded", "via", "x-forwarded-for", "x-forwarded-proto", "x-real-ip"];

export class PageOrigins {
  readonly #allowed: ReadonlySet<string> | undefined;
  readonly #machine: string;

  constructor({ allowedOrigins, machine }: PageSettings) {
    if (allowedOrigins !== undefined) this.#allowed = new Set(originsIn(allowedOrigins));
    this.#machine = machine.toLowerCase();
  }

  /**
   * Whether what asks for a WebSocket may have it, for all that its Origin and Host tell.
   *
   * @param address the client's, as far as this node can tell
   */
  allows(headers: IncomingHttpHeaders, address: string | undefined): boolean {
    const origin = headers.origin?.toLowerCase();
    if (origin === undefined || !isPages(origin, headers)) return true;
    if (this.#allowed?.has("*") === true || this.#allowed?.has(origin) === true) return true;
    const host = hostOf(`http://${headers.host ?? ""}`);
    if (host === undefined || host !== hostOf(origin)) return false;
    if (!isDnsName(host)) return true;
    return this.#allowed === undefined && !this.#mayBeRebound(origin, host, headers, address);
  }

  /**
   * Whether the name of this host may have been made to lead here by whoever owns it (DNS rebinding): so it looks like
   * the page's own host. On a loopback connection that no proxy passes on, this machine has only its own names. A
   * page of https comes through what ends TLS, and has shown a certificate for the name.
   */
  #mayBeRebound(
    origin: string,
    host: string,
    headers: IncomingHttpHeaders,
    address: string | undefined,
  ): boolean {
    const isLocal = address !== undefined && isLoopback(address);
    const isPassedOn = OF_PROXIES.some((name) => headers[name] !== undefined);
    if (!isLocal || isPassedOn || origin.startsWith("https:")) return false;
    return ![this.#machine, `${this.#machine}.local`].includes(host);
  }
}

/** The origins of a list, as browsers write them. */
export function originsIn(list: string): string[] {
  return list.split(",").map((each) => {
    const origin = each.trim().toLowerCase();
    return /^https?:/.test(origin) ? new URL(origin).origin : origin;
  });
}

/** A program that is no browser may send anything; what it sends most often names a host without a dot, or `null`. */
function isPages(origin: string, headers: IncomingHttpHeaders): boolean {
  if (!ORIGIN.test(origin)) return false;
  const isBrowsers = OF_BROWSERS.some((name) => headers[name] !== undefined);
  return isBrowsers || isDnsName(hostOf(origin) ?? "");
}

/** Without its port; all names of the loopback are one. Undefined if it is no origin of the web. */
function hostOf(origin: string): string | undefined {
  if (!/^https?:\/\/[^\s/?#@\\]+$/i.test(origin) || !URL.canParse(origin)) return undefined;
  const host = new URL(origin).hostname.replace(/^\[(.*)\]$/, "$1");
  return host === "localhost" || host.endsWith(".localhost") || isLoopback(host)
    ? "localhost"
    : host;
}

function isLoopback(address: string): boolean {
  return address === "::1" || /^127\.[\d.]+$/.test(address);
}

/** Whether somebody else may own the name: `localhost` and addresses are nobody's, and names without a dot local. */
function isDnsName(host: string): boolean {
  return host.includes(".") && !/^[\d.]+$/.test(host);
}
