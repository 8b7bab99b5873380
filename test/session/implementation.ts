/** How a session is made: what a history drives. */
import { Connection } from "#tertulia/gateway/connection.js";
import type { Session, SessionDependencies } from "#tertulia/gateway/session.js";
import type { JsonSettings } from "#tertulia/wire/welcome.js";
import { dialects } from "../support/dialects.js";

export type Protocol = keyof typeof dialects;

export interface Parts {
  readonly dependencies: SessionDependencies;
  readonly json: JsonSettings;
}

export type Implementation = (protocol: Protocol, parts: Parts) => Session;

export const connection: Implementation = (protocol, { dependencies, json }) =>
  new Connection(dialects[protocol].make(json), dependencies);

/** All there are, by the name that `IMPLEMENTATION` says. */
export const implementations: Readonly<Record<string, Implementation>> = { connection };
