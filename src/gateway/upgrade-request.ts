/** What an upgrade request asks for: path, name, subprotocols. PROTOCOL.md, connecting. */
import type { IncomingMessage } from "node:http";
import type { Shown } from "../chat/identity.js";
import { nameFromBytes, type Name } from "../chat/names.js";
import { SUBPROTOCOL } from "../wire/json-schema.js";

export interface UpgradeRequest {
  readonly path: string;
  /** Undefined when the query has no `name`; may be empty. */
  readonly name: Name | undefined;
  /** By what the client proves that the name is its own. Never in a log or an answer, nor is the target. */
  readonly shown: Shown | undefined;
  readonly subprotocols: readonly string[];
}

/**
 * What a connection may speak, and the subprotocol by which clients ask for it, the preferred one first. It is echoed
 * to a client that offers it.
 */
export const SUBPROTOCOLS = {
  json: SUBPROTOCOL,
  wsProtocol: "ws-protocol",
  classic: undefined, // what connections without a subprotocol speak
} as const;

/** How a subprotocol begins that is a token: it is none, and is never echoed. */
const TOKEN = "tertulia.token.";

export type DialectName = keyof typeof SUBPROTOCOLS;

const OURS = Object.values(SUBPROTOCOLS).filter((word) => word !== undefined && isOurs(word));

/** What a client hears that speaks other versions only. */
export const SPOKEN_HERE = `this is spoken here: ${OURS.join(", ")}`;

/** Never throws, whatever bytes the client sent as its target. */
export function parseUpgradeRequest(request: IncomingMessage): UpgradeRequest {
  const target = request.url ?? "/";
  const question = target.indexOf("?");
  const query = question === -1 ? "" : target.slice(question + 1);
  const name = valueOf("name", query);
  const password = valueOf("password", query);
  const offered = (request.headers["sec-websocket-protocol"] ?? "")
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");
  return {
    path: question === -1 ? target : target.slice(0, question),
    name: name === undefined ? undefined : nameFromBytes(name),
    shown: shownBy(request, offered, password),
    subprotocols: offered.filter((word) => !word.startsWith(TOKEN)),
  };
}

/** A token from the header, else from the subprotocols: a page has no other way; else a password from the query. */
function shownBy(
  { headers }: IncomingMessage,
  offered: readonly string[],
  password: Uint8Array | undefined,
): Shown | undefined {
  const [, bearer] = /^Bearer +([\w.-]+) *$/i.exec(headers.authorization ?? "") ?? [];
  const token = bearer ?? offered.find((word) => word.startsWith(TOKEN))?.slice(TOKEN.length);
  if (token !== undefined) return { kind: "token", token };
  return password === undefined ? undefined : { kind: "password", password, mayRegister: true };
}

/** The dialect of the connection: chosen by its subprotocols and path, never guessed from frames. */
export function dialectOf({ path, subprotocols }: UpgradeRequest): DialectName | "unknown" {
  const asked = NAMES.filter((name) => subprotocols.includes(SUBPROTOCOLS[name] ?? ""));
  const ours = asked.find((name) => OURS.includes(SUBPROTOCOLS[name]));
  if (ours !== undefined) return ours;
  // the client speaks only other versions, and would misread this one. PROTOCOL.md, versions
  if (subprotocols.length > 0 && subprotocols.every(isOurs)) return "unknown";
  if (path === "/ws") return "json";
  return asked[0] ?? "classic";
}

/** A client that offers only subprotocols of this kind speaks this server's other versions, or none that it has. */
function isOurs(subprotocol: string): boolean {
  return subprotocol.startsWith("tertulia.");
}

const NAMES = Object.keys(SUBPROTOCOLS) as DialectName[];

/** The first value of a parameter, as bytes; empty if it has none. */
function valueOf(parameter: string, query: string): Uint8Array | undefined {
  const begins = `${parameter}=`;
  const pair = query.split("&").find((part) => part === parameter || part.startsWith(begins));
  return pair === undefined ? undefined : percentDecoded(pair.slice(begins.length));
}

/** Percent-decodes to bytes. `+` stays `+`, and invalid escapes stay as they are. */
function percentDecoded(text: string): Uint8Array {
  const bytes = Buffer.from(text, "latin1");
  let length = 0;
  for (let i = 0; i < bytes.length; i++) {
    const escape = bytes[i] === 0x25 ? /^%([0-9a-fA-F]{2})/.exec(text.slice(i, i + 3)) : null;
    bytes[length++] = escape === null ? bytes[i]! : Number.parseInt(escape[1]!, 16);
    if (escape !== null) i += 2;
  }
  return bytes.subarray(0, length);
}
