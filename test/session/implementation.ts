/** How a session is made: what a history drives. */
import type { Name } from "#tertulia/chat/names.js";
import { ClassicSession } from "#tertulia/gateway/classic-session.js";
import { JsonSession } from "#tertulia/gateway/json-session.js";
import type { Presence } from "#tertulia/gateway/presence.js";
import type { Session, SessionDependencies } from "#tertulia/gateway/session.js";
import type { JsonSettings } from "#tertulia/gateway/welcome.js";
import { classicDialect } from "#tertulia/wire/classic.js";
import { wsProtocolDialect } from "#tertulia/wire/ws-protocol.js";

export type Protocol = "classic" | "ws-protocol" | "json";

export interface Parts {
  readonly dependencies: SessionDependencies;
  readonly json: JsonSettings;
  readonly presence: Presence;
}

/** A session, and what only the upgrade does to it. */
export interface Driven {
  readonly session: Session;
  /** In the dialects of bytes, before the 101: claims the name of the request. */
  claim(name: Name): Promise<"new" | "back" | "joined" | "taken">;
  /** In JSON, after it: says hello with the name of the request. */
  greet(name: Name): void;
  /** Whether the name is the session's, beyond doubt: whoever contests it meets this session then. */
  isSure(): boolean;
}

export type Implementation = (protocol: Protocol, parts: Parts) => Driven;

/** Two classes, with what they have in common beside them. */
export const twoClasses: Implementation = (protocol, { dependencies, json, presence }) => {
  if (protocol === "json") {
    const session = new JsonSession(json, presence, dependencies);
    return {
      session,
      claim: () => Promise.reject(new Error("JSON claims no name in the upgrade")),
      greet: (name) => session.greet(name),
      isSure: () => session.nameClaim.isSure,
    };
  }
  const session = new ClassicSession(DIALECTS[protocol], dependencies);
  return {
    session,
    claim: (name) => session.claim(name),
    greet: () => {},
    isSure: () => session.nameClaim.isSure,
  };
};

/** All there are, by the name that `IMPLEMENTATION` says. */
export const implementations: Readonly<Record<string, Implementation>> = { twoClasses };

const options = { generalOrigin: "sender", replyMaxBytes: 4_096 } as const;
const wsProtocol = wsProtocolDialect(options);
const DIALECTS = { classic: classicDialect(options, wsProtocol), "ws-protocol": wsProtocol };
