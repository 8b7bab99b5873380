/** How a session is made: what a history drives. */
import { Connection } from "#tertulia/gateway/connection.js";
import type { Session, SessionDependencies } from "#tertulia/gateway/session.js";
import type { JsonSettings } from "#tertulia/wire/welcome.js";
import { dialects } from "../support/dialects.js";
import { withBug, type ThrowsAt } from "./dialect-with-bug.js";

export type Protocol = keyof typeof dialects;

export interface Parts {
  readonly dependencies: SessionDependencies;
  readonly json: JsonSettings;
  /** What the codec throws at. */
  readonly throwsAt: ThrowsAt | undefined;
}

export type Implementation = (protocol: Protocol, parts: Parts) => Session;

export const connection: Implementation = (protocol, { dependencies, json, throwsAt }) => {
  const dialect = dialects[protocol].make(json);
  return new Connection(
    throwsAt === undefined ? dialect : withBug(dialect, throwsAt),
    dependencies,
  );
};

/** All there are, by the name that `IMPLEMENTATION` says. */
export const implementations: Readonly<Record<string, Implementation>> = { connection };
