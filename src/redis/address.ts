/**
 * The address of Redis: parses `REDIS_URL`. Its errors quote nothing of the URL but names of parameters, since
 * the URL may hold passwords.
 *
 *     redis://[[user][:password]@]host[:port][/0]          rediss:// for TLS
 *     redis+sentinel://[[user][:password]@]host[:port],…/name[/0][?sentinel_username=…&sentinel_password=…]
 *                                                          rediss+sentinel:// for TLS to both
 *
 * Each part is percent-encoded. A password may hold colons, and an IPv6 address stands in brackets.
 */
import { isIPv6 } from "node:net";

export interface Place {
  readonly host: string;
  readonly port: number;
}

export interface Login {
  readonly username?: string;
  readonly password?: string;
}

export type RedisAddress =
  | { readonly kind: "server"; readonly isTls: boolean; readonly at: Place; readonly login: Login }
  | {
      readonly kind: "sentinel";
      /** To the sentinels and to Redis. */
      readonly isTls: boolean;
      /** The name of the primary; Sentinel knows where it is. */
      readonly name: string;
      readonly sentinels: readonly Place[];
      /** For Redis itself. */
      readonly login: Login;
      readonly sentinelLogin: Login;
    };

/** The URL, or a setting beside it, cannot be used. The message says why, and holds no secret. */
export class AddressError extends Error {
  override readonly name = "AddressError";
  /** The variable to change. */
  readonly variable: string;

  constructor(message: string, variable = "REDIS_URL") {
    super(message);
    this.variable = variable;
  }
}

const SCHEMES = ["redis", "rediss", "redis+sentinel", "rediss+sentinel"];
const SENTINEL_PARAMETERS = ["sentinel_username", "sentinel_password"];

/** @throws AddressError */
export function readAddress(url: string): RedisAddress {
  const parts = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)([^?#]*)(?:\?([^#]*))?(#.*)?$/is.exec(
    url.trim(),
  );
  const scheme = parts?.[1]?.toLowerCase() ?? "";
  if (parts === null || !SCHEMES.includes(scheme)) {
    throw new AddressError(`must be a URL of ${SCHEMES.map((each) => `${each}://`).join(", ")}`);
  }
  const isTls = scheme.startsWith("rediss");
  const [, , authority = "", path = "", query = "", fragment] = parts;
  if (fragment !== undefined || `${path}${query}`.includes("@")) {
    throw new AddressError("the characters / ? # @ in a password are written %2F %3F %23 %40");
  }
  const end = authority.lastIndexOf("@");
  const login = end === -1 ? {} : readLogin(authority.slice(0, end));
  const hosts = authority.slice(end + 1).split(",");
  const segments = path.split("/").slice(1).map(decoded);
  if (scheme.endsWith("+sentinel")) {
    const [name = "", ...database] = segments;
    if (!/^[\w.-]+$/.test(name)) {
      throw new AddressError("must end in the name that Sentinel knows the primary by, /name");
    }
    checkDatabase(database);
    const given = readQuery(query, SENTINEL_PARAMETERS);
    const [username, password] = SENTINEL_PARAMETERS.map((each) => given.get(each));
    if (password === "") throw new AddressError("sentinel_password: is empty");
    return {
      kind: "sentinel",
      isTls,
      name,
      sentinels: hosts.map((host) => readPlace(host, 26_379)),
      login,
      sentinelLogin: loginOf(username, password),
    };
  }
  if (hosts.length > 1) throw new AddressError("one host; several are for redis+sentinel://");
  checkDatabase(segments);
  readQuery(query, []);
  return { kind: "server", isTls, at: readPlace(hosts[0]!, 6_379), login };
}

/** Parses `user:password`, `:password` or `user`. A missing password may be given beside the URL (access.ts). */
function readLogin(text: string): Login {
  const colon = text.indexOf(":");
  if (colon === -1) return loginOf(decoded(text), undefined);
  const password = decoded(text.slice(colon + 1));
  if (password === "") throw new AddressError("the password is empty");
  return loginOf(decoded(text.slice(0, colon)), password);
}

/** A login. An empty username means the server's default user. */
export function loginOf(username: string | undefined, password: string | undefined): Login {
  return {
    ...(username !== undefined && username !== "" && { username }),
    ...(password !== undefined && { password }),
  };
}

function readPlace(text: string, standardPort: number): Place {
  const [, literal, name, port] = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::(\d+))?$/.exec(text) ?? [];
  const host = decoded(literal ?? name ?? "");
  const isGood = literal === undefined ? /^[\p{L}\p{N}_.-]+$/u.test(host) : isIPv6(host);
  if (!isGood) throw new AddressError("the host is none (an IPv6 address is written [::1])");
  const number = Number(port ?? standardPort);
  if (number < 1 || number > 65_535) throw new AddressError("the port must be from 1 to 65535");
  return { host, port: number };
}

/** Pub/sub ignores databases: clusters in several databases of one server would hear each other. */
function checkDatabase(segments: readonly string[]): void {
  const [database = "", ...rest] = segments;
  if (!/^0*$/.test(database) || rest.length > 0) {
    throw new AddressError("only database 0 can be used, /0 or nothing");
  }
}

function readQuery(query: string, known: readonly string[]): ReadonlyMap<string, string> {
  const given = new Map<string, string>();
  for (const pair of query === "" ? [] : query.split("&")) {
    const [key = "", ...value] = pair.split("=");
    if (!known.includes(key)) {
      const shown = /^\w{1,32}$/.test(key) ? key : "in the query";
      throw new AddressError(`there is no parameter ${shown}${theseAre(known)}`);
    }
    if (given.has(key)) throw new AddressError(`${key}: is given twice`);
    given.set(key, decoded(value.join("=")));
  }
  return given;
}

function theseAre(known: readonly string[]): string {
  return known.length === 0 ? "" : `; there are ${known.join(", ")}`;
}

/** Percent-decodes a part. A `+` is a plus, not a space. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new AddressError("a % is written %25");
  }
}
