/** How a session is made: what a history drives. */
import type { Dialect } from "#tertulia/wire/dialect.js";
import { Connection } from "#tertulia/gateway/connection.js";
import type { Session, SessionDependencies } from "#tertulia/gateway/session.js";
import { classicDialect } from "#tertulia/wire/classic.js";
import { jsonDialect } from "#tertulia/wire/json-dialect.js";
import type { JsonSettings } from "#tertulia/wire/welcome.js";
import { wsProtocolDialect } from "#tertulia/wire/ws-protocol.js";

export type Protocol = "classic" | "ws-protocol" | "json";

export interface Parts {
  readonly dependencies: SessionDependencies;
  readonly json: JsonSettings;
}

export type Implementation = (protocol: Protocol, parts: Parts) => Session;

export const connection: Implementation = (protocol, { dependencies, json }) =>
  new Connection(dialectOf(protocol, json), dependencies);

/** All there are, by the name that `IMPLEMENTATION` says. */
export const implementations: Readonly<Record<string, Implementation>> = { connection };

const options = { generalOrigin: "sender", replyMaxBytes: 4_096 } as const;
const wsProtocol = wsProtocolDialect(options);
const classic = classicDialect(options, wsProtocol);

function dialectOf(protocol: Protocol, json: JsonSettings): Dialect {
  switch (protocol) {
    case "classic":
      return classic;
    case "ws-protocol":
      return wsProtocol;
    case "json":
      return jsonDialect(json);
    default:
      return protocol satisfies never;
  }
}
