/**
 * What this browser shows to prove that a name is this user's, where names belong to somebody (PROTOCOL.md, identity).
 * A login session is kept for all tabs, a token for one; never a password.
 */
import { normalizeName } from "../sdk/normalize-name.js";
import type { ConnectOptions } from "../sdk/tertulia.js";
import type { Connection, Problem } from "../view/model.js";
import { load, remove, save } from "./browser-storage.js";
import { forgetAddress } from "./routing.js";

/** As the gateway that served this page says. */
const { identity, registration } = document.documentElement.dataset;
export const hasAccounts = identity === "accounts";
export const hasTokens = identity === "token";
export const mayRegister = registration === "open";

/** After these, nothing that this browser has proves anything. */
const WORTHLESS: ReadonlySet<Problem> = new Set([
  "bad_credentials",
  "login_required",
  "token_expired",
  "revoked",
  "unregistered",
] as const);

/** The options for `connect`; undefined: this user has to show something first. */
export function proofFor(name: string): Pick<ConnectOptions, "session" | "token"> | undefined {
  if (hasTokens) return nameIn(keptToken()) === name ? { token: () => keptToken()! } : undefined;
  if (!hasAccounts) return {};
  const session = load("browser", placeOf(name));
  return typeof session === "string" ? { session } : undefined; // other pages write there, too
}

export function keepLogin(name: string, session: string): void {
  save("browser", placeOf(name), session);
}

export function forgetProof(name: string): void {
  remove("browser", placeOf(name));
  remove("tab", "token");
}

export function isWorthless(connection: Connection): boolean {
  return connection.name === "closed" && WORTHLESS.has(connection.problem);
}

export function keptToken(): string | undefined {
  const token = load("tab", "token");
  return typeof token === "string" ? token : undefined;
}

export function keepToken(token: string): void {
  save("tab", "token", token);
}

/** Another page leads here with `#token=…`, which no server is told. It goes from the address at once. */
export function tokenInAddress(): string | undefined {
  const token = new URLSearchParams(location.hash.slice(1)).get("token") ?? undefined;
  if (token !== undefined) forgetAddress();
  return token;
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

function placeOf(name: string): string {
  return `login.${name}`;
}
