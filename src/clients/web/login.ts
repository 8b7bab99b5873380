/** Registers or logs in from the form, and says what was wrong. */
import { normalizeName } from "../sdk/normalize-name.js";
import { logIn, register, type TertuliaError } from "../sdk/tertulia.js";
import type { Problem, View } from "../view/model.js";
import { gatewayUrl } from "./chat-session.js";
import { hasAccounts, hasTokens, keepLogin, thisDevice } from "./proof.js";
import { problemText, type Texts } from "./texts.js";

export type LoginWay = "login" | "register";

export type Attempt = { readonly state: "asking" } | Failure;

export interface Failure {
  readonly state: "failed";
  readonly problem: Problem;
  /** As the chat says it, if a person said it. */
  readonly why?: string | undefined;
  readonly retryAfterMs?: number | undefined;
}

/** Resolves when this browser has a login session of that name; or with what was wrong. */
export async function askForLogin(
  way: LoginWay,
  name: string,
  password: string,
): Promise<Failure | undefined> {
  const ask = { register, login: logIn }[way];
  try {
    const session = await ask(gatewayUrl(), { name, password, client: thisDevice() });
    keepLogin(normalizeName(name), session);
    return undefined;
  } catch (error) {
    return failureFrom(error);
  }
}

/** Of a request that the chat has refused, or did not answer. */
export function failureFrom(error: unknown): Failure {
  const { code = "unknown", message, retryAfterMs } = error as Partial<TertuliaError>;
  const why = code === "banned" ? message : undefined;
  return { state: "failed", problem: code, why, retryAfterMs };
}

/** Why the last attempt to join ended. */
export function failureOf(view: View | undefined): Failure | undefined {
  if (view?.connection.name !== "closed") return undefined;
  const { problem, why } = view.connection;
  // a login session that the chat does not know any more: nobody has typed a wrong password
  const isEnded = hasAccounts && problem === "bad_credentials";
  return { state: "failed", problem: isEnded ? "login_required" : problem, why };
}

export function isAboutName(problem: Problem | undefined): boolean {
  return problem === "name_taken" || problem === "name_kept" || problem === "bad_name";
}

export function failureText(t: Texts, { problem, why, retryAfterMs }: Failure): string {
  if (hasTokens && problem === "bad_credentials") return t.badToken;
  if (hasTokens && problem === "login_required") return t.tokenExpired;
  if (problem === "too_many_attempts" && retryAfterMs !== undefined)
    return t.tooManyAttempts(Math.ceil(retryAfterMs / 1_000));
  return problemText(t, problem, why);
}
