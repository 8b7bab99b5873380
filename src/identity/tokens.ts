/** `IDENTITY=token`: a name is whose token says so. JWT (RFC 7519), issued by somebody else. */
import { createRemoteJWKSet, customFetch, errors, jwtVerify } from "jose";
import type { JWTPayload, JWTVerifyGetKey, JWTVerifyOptions } from "jose";
import {
  ROLES,
  type Identified,
  type Identity,
  type Proof,
  type Proved,
  type Refused,
  type Role,
  type Shown,
} from "../chat/identity.js";
import { bytesFromName, type Name } from "../chat/names.js";
import { Unavailable } from "../chat/ports.js";
import { WITHOUT_ACCOUNTS } from "./open.js";
import type { AccountStore } from "./ports.js";

export interface TokenSettings {
  /** Who signs: by a secret that both know, or by keys that are read from an address (RFC 7517). */
  readonly keys: { readonly secret: string } | { readonly url: string };
  readonly issuer?: string | undefined;
  readonly audience?: string | undefined;
  /** The claim that has the role. */
  readonly roleClaim: string;
  /** By Redis' clock, in ms since 1970. */
  readonly nowMs: () => number;
}

/** What each kind of key is good for, and nothing else: no token chooses how it is checked. RFC 8725 §3.1. */
const ALGORITHMS = {
  secret: ["HS256"],
  url: ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"],
};
/** Clocks differ by so much. */
const LEEWAY_S = 5;
/** Keys are read again when they are so old, or when one is asked for that is not there; then not again for a while. */
const [KEYS_FRESH_MS, KEYS_COOLDOWN_MS, KEYS_WITHIN_MS] = [10 * 60_000, 30_000, 3_000];
/** After a failure, for so long nobody asks for keys again. */
const KEYS_AWAY_MS = 5_000;
const KEYS_MAX_BYTES = 256 * 1024;
/** All devices of a user share the name; no client can show it as a key. */
const SHARE = "token";

interface Verified {
  readonly outcome: "verified";
  readonly claims: JWTPayload;
}

export class Tokens implements Identity {
  readonly provesNames = true;
  readonly register = WITHOUT_ACCOUNTS.register;
  readonly logIn = WITHOUT_ACCOUNTS.logIn;
  readonly changePassword = WITHOUT_ACCOUNTS.changePassword;
  readonly logins = WITHOUT_ACCOUNTS.logins;
  readonly confirm = WITHOUT_ACCOUNTS.confirm;
  readonly #store: Pick<AccountStore, "revokedAtMs" | "roleOf">;
  readonly #settings: TokenSettings;
  readonly #key: Uint8Array | JWTVerifyGetKey;
  readonly #options: JWTVerifyOptions;

  constructor(store: Pick<AccountStore, "revokedAtMs" | "roleOf">, settings: TokenSettings) {
    const { keys, issuer, audience } = settings;
    this.#store = store;
    this.#settings = settings;
    this.#key = "secret" in keys ? new TextEncoder().encode(keys.secret) : keysOf(keys.url);
    this.#options = {
      algorithms: "secret" in keys ? ALGORITHMS.secret : ALGORITHMS.url,
      requiredClaims: ["sub"],
      clockTolerance: LEEWAY_S,
      ...(issuer !== undefined && { issuer }),
      ...(audience !== undefined && { audience }),
    };
  }

  async prove(name: Name, shown: Shown | undefined): Promise<Proved> {
    if (shown?.kind !== "token") return refused("login_required");
    const verified = await this.#verified(shown.token);
    if (verified.outcome === "refused") return verified;
    const { claims } = verified;
    if (claims.sub !== textOf(name)) return refused("bad_credentials");
    const proof = this.#proofOf(claims);
    return proof === undefined ? refused("bad_credentials") : { outcome: "proved", proof };
  }

  async refresh({ name }: Identified, token: string): Promise<Proved> {
    const answer = await this.prove(name, { kind: "token", token });
    if (answer.outcome === "refused" || answer.proof?.by.kind !== "token") return answer;
    const revokedAtMs = await this.#store.revokedAtMs(name);
    return answer.proof.by.issuedAtMs > revokedAtMs ? answer : refused("bad_credentials");
  }

  roleOf(name: Name): Promise<Role> {
    return this.#store.roleOf(name, "token");
  }

  async #verified(token: string): Promise<Refused | Verified> {
    const options = { ...this.#options, currentDate: new Date(this.#settings.nowMs()) };
    try {
      const key = this.#key;
      const { payload } = await (typeof key === "function"
        ? jwtVerify(token, key, options)
        : jwtVerify(token, key, options));
      return { outcome: "verified", claims: payload };
    } catch (error) {
      if (error instanceof errors.JWTExpired) return refused("token_expired");
      if (isKeysAway(error))
        throw new Unavailable("the keys of tokens cannot be had", { cause: error });
      if (error instanceof errors.JOSEError) return refused("bad_credentials");
      throw error;
    }
  }

  /** Nothing, if it never ends and is not a bot's. */
  #proofOf(claims: JWTPayload): Proof | undefined {
    const { exp, iat } = claims;
    if (exp === undefined && claims["bot"] !== true) return undefined;
    return {
      role: roleIn(claims[this.#settings.roleClaim]),
      share: SHARE,
      // of unknown age: older than anything that was revoked
      by: { kind: "token", issuedAtMs: Math.floor((iat ?? 0) * 1_000) },
      ...(exp !== undefined && { endsAtMs: Math.floor(exp * 1_000) }),
    };
  }
}

/** Keys are cached; a token that names an unknown one makes them be read again, but seldom. */
function keysOf(url: string): JWTVerifyGetKey {
  let awayUntilMs = -Infinity;
  const fetched = async (input: string, init: RequestInit): Promise<Response> => {
    if (performance.now() < awayUntilMs) throw new KeysAway("were away a moment ago");
    try {
      const response = await fetch(input, { ...init, redirect: "error" });
      return new Response(await bounded(response), { status: response.status });
    } catch (error) {
      awayUntilMs = performance.now() + KEYS_AWAY_MS;
      throw new KeysAway("cannot be read", { cause: error });
    }
  };
  return createRemoteJWKSet(new URL(url), {
    timeoutDuration: KEYS_WITHIN_MS,
    cooldownDuration: KEYS_COOLDOWN_MS,
    cacheMaxAge: KEYS_FRESH_MS,
    [customFetch]: fetched,
  });
}

class KeysAway extends Error {
  override readonly name = "KeysAway";
}

async function bounded(response: Response): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response.body ?? []) {
    size += part.length;
    if (size > KEYS_MAX_BYTES) throw new RangeError(`more than ${KEYS_MAX_BYTES} bytes of keys`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** Whether it is nobody's fault who shows a token. */
function isKeysAway(error: unknown): boolean {
  if (error instanceof KeysAway || error instanceof errors.JWKSTimeout) return true;
  if (error instanceof errors.JWKSInvalid) return true;
  return error instanceof errors.JOSEError && error.code === "ERR_JOSE_GENERIC";
}

/** The highest of those that are named. */
function roleIn(claim: unknown): Role {
  const named: readonly unknown[] = Array.isArray(claim) ? claim : [claim];
  return ROLES.findLast((role) => named.includes(role)) ?? "user";
}

/** Undefined if it is no UTF-8: no token can say such a name. */
function textOf(name: Name): string | undefined {
  try {
    return decoder.decode(bytesFromName(name));
  } catch {
    return undefined;
  }
}

function refused(refusal: Refused["refusal"]): Refused {
  return { outcome: "refused", refusal };
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
