/** Settings of the clients' port: who they are, behind proxies; which pages may connect. */
import { isIP } from "node:net";
import { z } from "zod";

export const clientPort = {
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
