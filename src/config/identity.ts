/** Settings of whose a name is. */
import { z } from "zod";
import { integer, optional, text } from "./fields.js";
import type { Mistake } from "./relations.js";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

export const identity = {
  IDENTITY: z.enum(["open", "accounts", "token"]).default("open").meta({
    example: "accounts",
    about:
      "Whose a name is: `open`, whoever takes it while it is free; `accounts`, whose password it is; `token`, whose token says so. The same at all gateways",
  }),
  REGISTRATION: z.enum(["open", "closed"]).default("open").meta({
    example: "closed",
    about:
      "With `accounts`: whether clients may register; `closed`: only the operator makes accounts",
  }),
  LOGIN_IDLE_MS: integer(
    MINUTE,
    3_650 * DAY,
    30 * DAY,
    "With `accounts`: a login session that was not used for this long has ended",
  ),
  TOKEN_SECRET: z.string().min(32, "must have at least 32 characters").optional().meta({
    example: "a-random-text-of-32-characters-or-more",
    about: "With `token`: signs tokens (HS256)",
  }),
  TOKEN_JWKS_URL: z
    .string()
    .trim()
    .refine(isSafeUrl, "must be https://… (http:// only on this machine)")
    .optional()
    .meta({
      example: "https://id.example.org/.well-known/jwks.json",
      about:
        "With `token`, instead of a secret: where the public keys are that tokens are signed with",
    }),
  TOKEN_ISSUER: optional(
    "https://id.example.org/",
    "With `token`: who must have issued it (`iss`)",
  ),
  TOKEN_AUDIENCE: optional("tertulia", "With `token`: for whom it must be (`aud`)"),
  TOKEN_ROLE_CLAIM: text("role", "With `token`: the claim that has the user's role"),
};

interface TokenVariables {
  readonly IDENTITY: "open" | "accounts" | "token";
  readonly TOKEN_SECRET?: string | undefined;
  readonly TOKEN_JWKS_URL?: string | undefined;
  readonly TOKEN_ISSUER?: string | undefined;
  readonly TOKEN_AUDIENCE?: string | undefined;
}

/** Tokens need one kind of keys; keys that sign for others as well need to be told apart. */
export function tokenMistakes(config: TokenVariables): Mistake[] {
  const { IDENTITY, TOKEN_SECRET: secret, TOKEN_JWKS_URL: url } = config;
  if (IDENTITY !== "token") return [];
  if (secret === undefined && url === undefined)
    return [
      { variable: "TOKEN_SECRET", message: "or TOKEN_JWKS_URL is needed with IDENTITY=token" },
    ];
  if (secret !== undefined && url !== undefined)
    return [{ variable: "TOKEN_SECRET", message: "and TOKEN_JWKS_URL: leave one of them out" }];
  if (url === undefined) return [];
  const needed = ["TOKEN_ISSUER", "TOKEN_AUDIENCE"] as const;
  return needed
    .filter((variable) => config[variable] === undefined)
    .map((variable) => ({ variable, message: "is needed with TOKEN_JWKS_URL" }));
}

function isSafeUrl(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname } = new URL(url);
  if (protocol === "https:") return true;
  return protocol === "http:" && ["localhost", "127.0.0.1", "[::1]"].includes(hostname);
}
