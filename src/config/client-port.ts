/** Settings of the clients' port: TLS; who clients are, behind proxies; which pages may connect. */
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { createSecureContext } from "node:tls";
import { z } from "zod";
import { optional } from "./fields.js";
import type { Mistake } from "./relations.js";

export const clientPort = {
  TLS_CERT: optional(
    "/run/secrets/chat.crt",
    "Certificate (PEM, with those between it and its authority) for TLS on `PORT`, read again when it changes; none: the port is plain",
  ),
  TLS_KEY: optional("/run/secrets/chat.key", "Its key (PEM, without a passphrase)"),
  TRUSTED_PROXIES: z
    .string()
    .refine(arePlaces, "must be addresses, ranges, `loopback` or `private`, with commas")
    .optional()
    .meta({
      example: "192.0.2.7,2001:db8::/64",
      about:
        "Proxies and balancers (addresses, ranges, `loopback`, `private`) that are believed about their clients' addresses, by the PROXY protocol or X-Forwarded-For; none: nobody is",
    }),
  ALLOWED_ORIGINS: z
    .string()
    .refine(areOrigins, "must be origins like https://chat.example, `null` or `*`, with commas")
    .optional()
    .meta({
      example: "https://chat.example,https://app.example:8443",
      about:
        "Pages that may connect, by their origins; `*`: all; none: those of the host that they connect to, on any port",
    }),
};

/** As browsers write them: without a path. */
function areOrigins(list: string): boolean {
  return list
    .split(",")
    .every(
      (word) => /^(?:\*|null|[a-z][a-z0-9+.-]*:\/\/[^\s/?#@]*)$/i.test(word.trim()) && isUrl(word),
    );
}

function isUrl(word: string): boolean {
  return !word.includes("://") || URL.canParse(word.trim());
}

interface TlsVariables {
  readonly TLS_CERT?: string | undefined;
  readonly TLS_KEY?: string | undefined;
}

/** The files of a configuration that has been checked. */
export function tlsFiles({ TLS_CERT: cert, TLS_KEY: key }: TlsVariables) {
  return cert === undefined || key === undefined ? undefined : { cert, key };
}

/** Reads the files; finds what is missing, cannot be read, or does not belong together. */
export function tlsMistakes({ TLS_CERT, TLS_KEY }: TlsVariables): Mistake[] {
  if (TLS_CERT === undefined && TLS_KEY === undefined) return [];
  if (TLS_CERT === undefined)
    return [{ variable: "TLS_CERT", message: "is missing, TLS_KEY is given" }];
  if (TLS_KEY === undefined)
    return [{ variable: "TLS_KEY", message: "is missing, TLS_CERT is given" }];
  let variable = "TLS_CERT";
  try {
    const cert = readFileSync(TLS_CERT);
    createSecureContext({ cert });
    variable = "TLS_KEY";
    createSecureContext({ cert, key: readFileSync(TLS_KEY) });
    return [];
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return [
      { variable, message: `the file cannot be read, or is not what it should be (${code})` },
    ];
  }
}

function arePlaces(list: string): boolean {
  return list.split(",").every((word) => isPlace(word.trim()));
}

function isPlace(word: string): boolean {
  if (word === "loopback" || word === "private") return true;
  const [address = "", prefix, ...rest] = word.split("/");
  const version = isIP(address);
  if (version === 0 || address.includes("%") || rest.length > 0) return false;
  if (prefix === undefined) return true;
  return /^(?:0|[1-9]\d{0,2})$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128);
}
