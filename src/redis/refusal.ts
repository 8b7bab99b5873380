/** Why a connection is refused, if somebody must change a setting before a retry can succeed. */
import { ERROR_TEXTS } from "./library-internals.js";

export type Peer = "redis" | "sentinel";

/** Errors of Redis, of the library and of OpenSSL, with their reason in plain words. The first match counts. */
const REFUSALS: readonly (readonly [said: RegExp, why: (peer: Peer) => string])[] = [
  [
    /alert (?:unknown ca|bad certificate|certificate (?:unknown|expired|revoked)|unsupported certificate)/i,
    () => "it does not accept the client certificate of REDIS_CERT_FILE",
  ],
  [
    /alert (?:certificate required|handshake failure)/i,
    () => "it asks for a client certificate: REDIS_CERT_FILE and REDIS_KEY_FILE",
  ],
  [
    /ALTNAME_INVALID|match certificate's altnames/i,
    (peer) =>
      peer === "redis"
        ? "its certificate is for other host names: it must name the host of REDIS_URL or, with Sentinel, the one that Sentinel announces"
        : "its certificate is for other host names: it must name the sentinel's host of REDIS_URL",
  ],
  [/certificate has expired/i, () => "its certificate has expired"],
  [/certificate is not yet valid/i, () => "its certificate is not valid yet, or a clock is wrong"],
  [
    /self[- ]signed certificate|unable to (?:verify|get) .*(?:certificate|issuer)/i,
    () => "its certificate is signed by no authority that is trusted here: see REDIS_CA_FILE",
  ],
  [/wrong version number|packet length too long/i, () => "it speaks no TLS on this port"],
  [
    /NOAUTH/,
    (peer) => `it asks for a password: ${peer === "redis" ? "REDIS" : "SENTINEL"}_PASSWORD`,
  ],
  [
    /WRONGPASS/,
    (peer) =>
      `it does not accept the user or the password: ${peer === "redis" ? "REDIS" : "SENTINEL"}_USERNAME, _PASSWORD, or those of the URL`,
  ],
  [/NOPERM/, () => "its user lacks a right (docs/operations.md, least rights)"],
  [
    new RegExp(`${ERROR_TEXTS.unknownPrimary}|No such master with that name`),
    () => "it knows no primary of the name in REDIS_URL",
  ],
];

/** The reason of a refusal. Undefined if the peer may just be away. */
export function whyRefused(error: Error, peer: Peer): string | undefined {
  const said = `${(error as NodeJS.ErrnoException).code} ${error.message}`;
  return REFUSALS.find(([pattern]) => pattern.test(said))?.[1](peer);
}

/** A guess what is wrong with a server that was never reached. It may also just be away. */
export function whyPerhaps(error: Error, isTls: boolean): string | undefined {
  const said = `${(error as NodeJS.ErrnoException).code} ${error.message}`;
  const isCut = /ECONNRESET|hung up/.test(said) || said.includes(ERROR_TEXTS.closed);
  if (isCut && !isTls) return "perhaps it wants TLS: REDIS_URL begins with rediss then";
  if (isCut) {
    return "perhaps it asks for a client certificate, or does not accept this one: REDIS_CERT_FILE";
  }
  const { connectTimedOut, commandTimedOut } = ERROR_TEXTS;
  const isLate = [connectTimedOut, commandTimedOut].some((each) => said.includes(each));
  if (isTls && isLate) {
    return "perhaps it speaks no TLS on this port: REDIS_URL begins with redis then";
  }
  return undefined;
}
