/** What a client shows at each hello, to prove that the name is its own; and when a token has to be shown anew. */
import { EXPIRED, retryPolicyOf, type RetryPolicy } from "../../wire/close-codes.js";
import type { Events, Requests } from "../../wire/json-schema.js";
import { TertuliaError } from "./error.js";
import type { ConnectOptions } from "./options.js";
import { startTimer, type Timer } from "./timer.js";

export type Shown = Pick<Requests["hello"], "password" | "session" | "token">;

/** A new token is shown when so much of the old one's time is over; a failure is tried again after a while. */
const RENEW_AT = 0.8;
const [RENEW_LEAST_MS, RENEW_AGAIN_MS] = [1_000, 5_000];

export class Credentials {
  readonly #password: string | undefined;
  readonly #token: ConnectOptions["token"];
  #session: string | undefined;
  #timer: Timer | undefined;

  constructor({
    password,
    session,
    token,
  }: Pick<ConnectOptions, "password" | "session" | "token">) {
    this.#password = password;
    this.#session = session;
    this.#token = token;
  }

  /** The token of the login session, if there is one. */
  get session(): string | undefined {
    return this.#session;
  }

  /** @throws (or rejects with) a TertuliaError, if there is no token: one that may be retried, or the program's own */
  shown(): Shown | Promise<Shown> {
    if (this.#token !== undefined) return this.#newToken().then((token) => ({ token }));
    if (this.#session !== undefined) return { session: this.#session };
    return { password: this.#password };
  }

  /** @param renew shows a new token; resolves with the time at which that one ends, in ms since 1970 */
  welcomed(
    { session, expires }: Pick<Events["welcome"], "session" | "expires">,
    renew: (token: string) => Promise<number | undefined>,
    onError: (error: TertuliaError) => void,
  ): void {
    this.#session = session ?? this.#session;
    this.stop();
    if (expires === undefined || this.#token === undefined) return;
    const forMs = Math.max(RENEW_LEAST_MS, (expires - Date.now()) * RENEW_AT);
    const again = (next: number | undefined): void =>
      this.welcomed({ expires: next }, renew, onError);
    const attempt = (): void => {
      this.#newToken()
        .then(renew)
        .then(again)
        .catch((error: TertuliaError) => {
          if (error.code === "closed") return;
          onError(error);
          this.#timer = startTimer(attempt, RENEW_AGAIN_MS);
        });
    };
    this.#timer = startTimer(attempt, forMs);
  }

  /** The connection is gone: the next hello shows what is needed. */
  stop(): void {
    clearTimeout(this.#timer);
  }

  /** As the table of close codes says; who can get a new token comes back with it. */
  retryPolicyOf(code: number): RetryPolicy {
    return code === EXPIRED && this.#token !== undefined ? "with backoff" : retryPolicyOf(code);
  }

  /** Whether a refused hello may succeed later, perhaps with something else that is shown. */
  isRetryable({ code, retryable }: TertuliaError): boolean {
    if (code === "token_expired") return this.#token !== undefined;
    if (code !== "bad_credentials" || this.#session === undefined) return retryable;
    this.#session = undefined; // it has ended: the password begins another one
    return this.#password !== undefined;
  }

  async #newToken(): Promise<string> {
    try {
      return await this.#token!();
    } catch (error) {
      if (error instanceof TertuliaError) throw error;
      throw new TertuliaError("unavailable", `there is no token: ${String(error)}`, true);
    }
  }
}
