/**
 * What this browser shows to prove that a name is this user's, where names belong to somebody (PROTOCOL.md, identity).
 * A login session is kept for all tabs, a token for one; never a password.
 */
import { normalizeName } from "../sdk/normalize-name.js";
import { TertuliaError, type ConnectOptions } from "../sdk/tertulia.js";
import type { Connection, Problem } from "../view/model.js";
import { load, remove, save } from "./browser-storage.js";
import { forgetAddress } from "./routing.js";

/** As the gateway that served this page says. */
const { identity, registration } = document.documentElement.dataset;
export const hasAccounts = identity === "accounts";
export const hasTokens = identity === "token";
export const mayRegister = registration === "open";

const TOKEN = "token";

/** After these, nothing that this browser has proves anything. */
const WORTHLESS: ReadonlySet<Problem> = new Set([
  "bad_credentials",
  "login_required",
  "token_expired",
  "revoked",
  "unregistered",
] as const);

/** What was shown in this page: where the browser refuses to keep anything, the chat works without. */
const shown = new Map<string, string>();

/** The options for `connect`; undefined: this user has to show something first. */
export function proofFor(name: string): Pick<ConnectOptions, "session" | "token"> | undefined {
  if (hasTokens) return nameIn(keptToken()) === name ? { token: tokenNow } : undefined;
  if (!hasAccounts) return {};
  const session = read("browser", placeOf(name));
  return session === undefined ? undefined : { session };
}

export function keepLogin(name: string, session: string): void {
  shown.set(placeOf(name), session);
  save("browser", placeOf(name), session);
}

export function keepToken(token: string): void {
  shown.set(TOKEN, token);
  save("tab", TOKEN, token);
}

export function keptToken(): string | undefined {
  return read("tab", TOKEN);
}

/** @param session if only this one is worth nothing any more: another tab may have begun the next one */
export function forgetProof(name: string, session?: string): void {
  shown.clear();
  remove("tab", TOKEN);
  const place = placeOf(name);
  if (session === undefined || load("browser", place) === session) remove("browser", place);
}

export function isWorthless(connection: Connection): boolean {
  return connection.name === "closed" && WORTHLESS.has(connection.problem);
}

/** Another page leads here with `#token=…`, which no server is told. It goes from the address at once. */
export function tokenInAddress(): string | undefined {
  const token = new URLSearchParams(location.hash.slice(1)).get("token") ?? undefined;
  if (token !== undefined) forgetAddress();
  return token;
}

/** Before anything else is shown: a token that another page has brought counts, not the one of an earlier user of the tab. */
export function takeToken(): void {
  const token = hasTokens ? tokenInAddress() : undefined;
  if (token !== undefined) keepToken(token);
}

/** The name that a token (JWT) is for; whether it is right, the chat says. */
export function nameIn(token: string | undefined): string | undefined {
  try {
    const claims = token!.split(".")[1]!.replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(claims), (letter) => letter.charCodeAt(0));
    const { sub } = JSON.parse(new TextDecoder().decode(bytes)) as { sub?: unknown };
    return typeof sub === "string" && sub !== "" ? normalizeName(sub) : undefined;
  } catch {
    return undefined; // no token
  }
}

/** For the list of login sessions: which device this is. */
export function thisDevice(): string {
  const known = (...names: string[]): string =>
    names.find((each) => navigator.userAgent.includes(each)) ?? "?";
  const browser = known("Edg", "OPR", "Firefox", "Chrome", "Safari");
  const system = known("Android", "iPhone", "iPad", "Windows", "Mac OS", "CrOS", "Linux");
  return `${browser}, ${system}`;
}

function tokenNow(): string {
  const token = keptToken();
  if (token === undefined) throw new TertuliaError("login_required", "the token has expired");
  return token;
}

/** Other pages write there, too. */
function read(where: "tab" | "browser", what: string): string | undefined {
  const kept = load(where, what);
  return typeof kept === "string" ? kept : shown.get(what);
}

function placeOf(name: string): string {
  return `login.${name}`;
}
