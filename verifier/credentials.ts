/**
 * How the clients of a run show that their names are theirs: nothing, a password, or a token. Where they have to, each
 * comes from a network of its own, as users do: passwords are counted by network.
 */
import { createHmac } from "node:crypto";
import { WebSocket } from "ws";
import { register, type ConnectOptions } from "#tertulia/clients/sdk/tertulia.js";

export const IDENTITIES = ["open", "accounts", "token"] as const;
/** The gateways' `IDENTITY`. */
export type IdentityMode = (typeof IDENTITIES)[number];

export interface Credentials {
  /** Of a byte client's upgrade: what stands behind its name in the query, and the headers. */
  request(): { readonly query: string; readonly headers: Readonly<Record<string, string>> };
  /** Of a client on the SDK. */
  readonly options: Pick<ConnectOptions, "password" | "token" | "WebSocket">;
}

/** Byte clients are closed when their token ends, SDK clients show another one before. */
const TOKEN_LASTS_S = 20;
const TOKEN_SECRET = "only-the-referee-and-its-gateways-know-it";
const [ISSUER, AUDIENCE] = ["referee", "run"];

/** Variables of the gateways. */
export function environmentOf(mode: IdentityMode): Readonly<Record<string, string>> {
  switch (mode) {
    case "open":
      return {};
    case "accounts":
      return { IDENTITY: mode, TRUSTED_PROXIES: "loopback" };
    case "token": {
      const settings = { TOKEN_SECRET, TOKEN_ISSUER: ISSUER, TOKEN_AUDIENCE: AUDIENCE };
      return { IDENTITY: mode, TRUSTED_PROXIES: "loopback", ...settings };
    }
    default:
      return mode satisfies never;
  }
}

/** @param network another one for each client */
export function credentialsOf(mode: IdentityMode, name: string, network: number): Credentials {
  const headers = { "x-forwarded-for": addressOf(network) };
  switch (mode) {
    case "open":
      return { request: () => ({ query: "", headers: {} }), options: { WebSocket } };
    case "accounts": {
      const password = passwordOf(name);
      const options = { password, WebSocket: webSocketFrom(network) };
      return { request: () => ({ query: `&password=${password}`, headers }), options };
    }
    case "token": {
      const token = (): string => tokenOf({ sub: name });
      const request = (): ReturnType<Credentials["request"]> => {
        return { query: "", headers: { ...headers, authorization: `Bearer ${token()}` } };
      };
      return { request, options: { token, WebSocket: webSocketFrom(network) } };
    }
    default:
      return mode satisfies never;
  }
}

export function passwordOf(name: string): string {
  return `the-password-of-${name}`;
}

/** A JWT that the gateways believe, unless a claim or the secret makes it worthless. */
export function tokenOf(
  claims: Readonly<Record<string, unknown>>,
  secret: string = TOKEN_SECRET,
): string {
  const now = Math.floor(Date.now() / 1_000);
  const usual = { iss: ISSUER, aud: AUDIENCE, iat: now, exp: now + TOKEN_LASTS_S };
  const parts = [
    { alg: "HS256", typ: "JWT" },
    { ...usual, ...claims },
  ];
  const text = parts
    .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
    .join(".");
  return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
}

/** Makes accounts, so that their clients find them. Returns a login session of each name. */
export async function makeAccounts(
  url: string,
  names: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const sessions = new Map<string, string>();
  for (const [network, name] of names.entries()) {
    const account = { name, password: passwordOf(name), WebSocket: webSocketFrom(network) };
    sessions.set(name, await register(url, account));
  }
  return sessions;
}

/** As a balancer would tell it. From a range for tests of networks: RFC 2544. */
export function addressOf(network: number): string {
  return `198.18.${(network >> 8) & 255}.${network & 255}`;
}

/** The WebSockets of a client on the SDK. */
export function webSocketFrom(network: number): NonNullable<ConnectOptions["WebSocket"]> {
  const headers = { "x-forwarded-for": addressOf(network) };
  return class extends WebSocket {
    constructor(url: string, protocols?: string[]) {
      super(url, protocols, { headers, perMessageDeflate: false });
    }
  };
}
