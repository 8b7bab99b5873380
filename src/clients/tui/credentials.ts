/** What this program shows the chat to prove that a name is its user's, and what of it is kept on this machine. */
import { readFileSync } from "node:fs";
import {
  TertuliaError,
  register,
  type ConnectOptions,
  type LogInOptions,
  type Tertulia,
} from "../sdk/tertulia.js";
import type { Problem } from "../view/model.js";
import { problemOf } from "../view/update.js";
import { readState, removeState, stateFile, writeState, type Environment } from "./state-file.js";

/** Where a secret is. Not on the command line: everybody on the machine can read that. */
export type Secret = { readonly file: string } | { readonly text: string };

export interface Secrets {
  readonly token: Secret | undefined;
  readonly password: Secret | undefined;
}

/** Why a client was closed, if its login session is good for nothing any more. */
const OVER: ReadonlySet<Problem> = new Set(["bad_credentials", "revoked", "unregistered"]);

type Shown = Pick<ConnectOptions, "token" | "session" | "password">;

/** @throws Error if a file cannot be read; it says which */
export function readSecret(secret: Secret): string {
  if ("text" in secret) return secret.text;
  try {
    return readFileSync(secret.file, "utf8").replace(/\r?\n$/, "");
  } catch (error) {
    throw new Error(`${secret.file} cannot be read: ${(error as NodeJS.ErrnoException).code}`, {
      cause: error,
    });
  }
}

/** At the start: the password as a text, so that nothing can fail later. Returns what is wrong, if a file cannot be read. */
export function ready({ token, password }: Secrets): Secrets | string {
  try {
    if (token !== undefined) readSecret(token);
    return { token, password: password && { text: readSecret(password) } };
  } catch (error) {
    return (error as Error).message;
  }
}

/**
 * A token comes before a kept login session, and that before a password. A token's file is read at each connection, and
 * before the token ends: whoever gives tokens out replaces it.
 */
export function shownFor(
  url: string,
  name: string,
  { token, password }: Secrets,
  environment: Environment,
): Shown {
  if (token !== undefined) return { token: () => unexpired(readSecret(token), "text" in token) };
  return {
    session: readState(stateFile("sessions", url, name, environment)),
    password: password && readSecret(password),
  };
}

/** A token that nobody can replace is not shown again and again when it has ended. */
function unexpired(token: string, isLast: boolean): string {
  const { exp } = claimsOf(token);
  if (!isLast || typeof exp !== "number" || exp * 1_000 > Date.now()) return token;
  throw new TertuliaError("login_required", "the token has ended");
}

/** Unchecked: that is the chat's part. */
function claimsOf(token: string): { readonly exp?: unknown } {
  try {
    const [, claims = ""] = token.split(".");
    return Object(JSON.parse(Buffer.from(claims, "base64url").toString())) as object;
  } catch {
    return {};
  }
}

/** Makes an account, and keeps its login session. Rejects as `register` of the SDK. */
export async function makeAccount(
  url: string,
  { name, password, ...options }: LogInOptions,
  environment: Environment,
): Promise<void> {
  const session = await register(url, { ...options, name, password });
  writeState(stateFile("sessions", url, name, environment), session, "set");
}

/** Keeps the login session that a client has got; forgets one that it has shown, and the chat knows no more. */
export function keepLogin(chat: Tertulia, url: string, environment: Environment): void {
  const where = stateFile("sessions", url, chat.name, environment);
  let shown = chat.session;
  chat.on("welcome", () => {
    const { session } = chat;
    shown = session ?? shown;
    if (session !== undefined && session !== readState(where)) writeState(where, session, "set");
  });
  chat.on("state", (state) => {
    if (state.name !== "closed" || state.error === undefined) return;
    if (!OVER.has(problemOf(state.code, state.reason, state.error).problem)) return;
    if (shown !== undefined) removeState(where, shown);
  });
}

/** The account is no more. */
export function forgetLogin(url: string, name: string, environment: Environment): void {
  removeState(stateFile("sessions", url, name, environment));
}
