/** A token as an issuer would sign it with the secret that it shares with the chat (HS256). */
import { createHmac } from "node:crypto";

export function tokenOf(secret: string, sub: string, more: object = {}): string {
  const now = Math.floor(Date.now() / 1_000);
  const parts = [{ alg: "HS256" }, { sub, iat: now - 1, exp: now + 600, ...more }];
  const text = parts
    .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
    .join(".");
  return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
}

/** The claim of a token that ends, or ended, at another time. */
export function endsIn(seconds: number): { readonly exp: number } {
  return { exp: Date.now() / 1_000 + seconds };
}
