/** JSON web tokens, as the server of an app makes them. RFC 7519, HS256. */
import { createHmac } from "node:crypto";

export function tokenOf(
  secret: string,
  sub: string,
  forSeconds: number,
  claims: object = {},
): string {
  const now = Date.now() / 1_000;
  const parts = [{ alg: "HS256" }, { sub, iat: now - 1, exp: now + forSeconds, ...claims }];
  const text = parts
    .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
    .join(".");
  return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
}
