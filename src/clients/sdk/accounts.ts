/** Registers and logs in without joining: for a form, whose program keeps the login session and not the password. */
import type { SUBPROTOCOL as Subprotocol, Events, Requests } from "../../wire/json-schema.js";
import { checkText, checkUrls } from "./argument-checks.js";
import { TertuliaError } from "./error.js";
import { normalizeName } from "./normalize-name.js";
import type { LogInOptions } from "./options.js";
import { builtInWebSocket } from "./platform.js";
import { startTimer } from "./timer.js";

const SUBPROTOCOL: typeof Subprotocol = "tertulia.v1.json";
const WITHIN_MS = 10_000;

/**
 * Makes an account, and resolves with the token of a login session: the `session` of `connect`. With the password that
 * the account has already, as `logIn`. Rejects with a TertuliaError: `name_taken`, `bad_password`, `bad_name`,
 * `registration_closed`, `too_many_attempts`, `forbidden` (there are no accounts), `unreachable`.
 */
export function register(url: string, options: LogInOptions): Promise<string> {
  return asked(url, "register", options);
}

/** Resolves with the token of a login session. Rejects with a TertuliaError: `bad_credentials` and others as `register`. */
export function logIn(url: string, options: LogInOptions): Promise<string> {
  return asked(url, "login", options);
}

async function asked(
  url: string,
  type: "register" | "login",
  { name, password, client, WebSocket = builtInWebSocket() }: LogInOptions,
): Promise<string> {
  const [address] = checkUrls(url);
  checkText("the option `name`", name, '{ name: "ana", password }');
  checkText("the option `password`", password, '{ name: "ana", password }');
  const request: Requests["register" | "login"] = {
    type,
    id: 1,
    name: normalizeName(name),
    password,
    client,
  };
  const socket = new WebSocket(address!, [SUBPROTOCOL]);
  const unreachable = (): TertuliaError =>
    new TertuliaError("unreachable", `${address} gave no answer`, true);
  const answer = await new Promise<Events["ok"] | Events["error"]>((resolve, reject) => {
    const timer = startTimer(() => reject(unreachable()), WITHIN_MS);
    socket.addEventListener("open", () => socket.send(JSON.stringify(request)));
    socket.addEventListener("error", () => reject(unreachable()));
    socket.addEventListener("close", () => {
      clearTimeout(timer);
      reject(unreachable());
    });
    socket.addEventListener("message", ({ data }) => {
      const event = JSON.parse(String(data)) as Events["ok"] | Events["error"];
      if (event.type === "ok" || event.type === "error") resolve(event);
    });
  }).finally(() => socket.close());
  if (answer.type === "ok") return answer.session!;
  const { code, message, retryable, retryAfterMs } = answer;
  throw new TertuliaError(code, message, retryable, retryAfterMs);
}
