/** Access to Redis: the URL, logins given beside it, and the files of TLS, read and checked together. */
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import * as tls from "node:tls";
import { AddressError, loginOf, readAddress, type Login, type RedisAddress } from "./address.js";
import { hide } from "../redact.js";

export interface AccessSettings {
  /** See address.ts. */
  readonly url: string;
  /** For Redis, where the URL has none. */
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** For the sentinels, where the URL has none. */
  readonly sentinelUsername?: string | undefined;
  readonly sentinelPassword?: string | undefined;
  /** Path of a PEM file with authorities, besides those that Node has. */
  readonly caFile?: string | undefined;
  /** Paths of PEM files: this client's certificate and its key. */
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
}

export interface Access {
  /** With the logins from beside the URL. */
  readonly address: RedisAddress;
  /** Undefined without TLS. */
  readonly tls: { readonly secureContext?: tls.SecureContext } | undefined;
}

/**
 * Reads the settings and their files. Called before each connection, so that rotated files are used.
 * @throws AddressError that names the variable to change
 */
export function readAccess(settings: AccessSettings): Access {
  const address = readAddress(settings.url);
  const { username, password, sentinelUsername, sentinelPassword } = settings;
  const login = loginFrom("REDIS", address.login, loginOf(username, password));
  const sentinelLogin = loginOf(sentinelUsername, sentinelPassword);
  if (!address.isTls) refuseFiles(settings);
  const secured = address.isTls ? readTls(settings) : undefined;
  if (address.kind === "sentinel") {
    const both = loginFrom("SENTINEL", address.sentinelLogin, sentinelLogin);
    return { address: { ...address, login, sentinelLogin: both }, tls: secured };
  }
  for (const key of ["username", "password"] as const) {
    if (sentinelLogin[key] === undefined) continue;
    throw new AddressError("REDIS_URL asks no Sentinel", `SENTINEL_${key.toUpperCase()}`);
  }
  return { address: { ...address, login }, tls: secured };
}

/** The login from the URL or from beside it: each part may be given in one place only. */
function loginFrom(whose: "REDIS" | "SENTINEL", inUrl: Login, beside: Login): Login {
  for (const key of ["username", "password"] as const) {
    if (inUrl[key] === undefined || beside[key] === undefined) continue;
    const variable = `${whose}_${key.toUpperCase()}`;
    throw new AddressError(`REDIS_URL has a ${key} too: leave one of them out`, variable);
  }
  const login = { ...inUrl, ...beside };
  hide(login.password);
  if (login.username !== undefined && login.password === undefined) {
    if (beside.username !== undefined) {
      throw new AddressError(`needs ${whose}_PASSWORD`, `${whose}_USERNAME`);
    }
    const alone = whose === "REDIS" ? ":password@" : "sentinel_password=password";
    throw new AddressError(
      `a user without a password, which may stand in ${whose}_PASSWORD (a password alone is written ${alone})`,
    );
  }
  return login;
}

const FILES = [
  ["caFile", "REDIS_CA_FILE"],
  ["certFile", "REDIS_CERT_FILE"],
  ["keyFile", "REDIS_KEY_FILE"],
] as const;

function refuseFiles(settings: AccessSettings): void {
  for (const [key, variable] of FILES) {
    if (settings[key] === undefined) continue;
    throw new AddressError("REDIS_URL asks for no TLS: it begins with rediss then", variable);
  }
}

function readTls(settings: AccessSettings): Access["tls"] {
  const [ca, cert, key] = FILES.map(([file, variable]) => readPem(settings[file], variable));
  if (cert !== undefined && key === undefined) {
    throw new AddressError("is given, and no REDIS_KEY_FILE", "REDIS_CERT_FILE");
  }
  if (key !== undefined && cert === undefined) {
    throw new AddressError("is given, and no REDIS_CERT_FILE", "REDIS_KEY_FILE");
  }
  if (ca !== undefined) checkCertificate(ca, "REDIS_CA_FILE");
  if (cert !== undefined) checkCertificate(cert, "REDIS_CERT_FILE");
  // without files, Node's own: its authorities and those of NODE_EXTRA_CA_CERTS
  if (ca === undefined && cert === undefined) return {};
  return { secureContext: contextOf(ca, cert, key) };
}

function readPem(path: string | undefined, variable: string): string | undefined {
  if (path === undefined) return undefined;
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new AddressError(`the file cannot be read (${code})`, variable);
  }
}

function checkCertificate(pem: string, variable: string): void {
  try {
    void new X509Certificate(pem);
  } catch {
    throw new AddressError("the file holds no certificate in PEM", variable);
  }
}

/** The last context: connections share it until a file changes, since reading Node's authorities takes 10 ms. */
let cached: { readonly from: string; readonly context: tls.SecureContext } | undefined;

function contextOf(ca?: string, cert?: string, key?: string): tls.SecureContext {
  const from = [ca, cert, key].join("\n");
  if (cached?.from === from) return cached.context;
  try {
    const context = tls.createSecureContext({
      ...(ca !== undefined && { ca: [...nodeAuthorities(), ca] }),
      ...(cert !== undefined && { cert, key }),
    });
    cached = { from, context };
    return context;
  } catch (error) {
    const isOther = (error as NodeJS.ErrnoException).code === "ERR_OSSL_X509_KEY_VALUES_MISMATCH";
    const why = isOther ? "is not the key of REDIS_CERT_FILE" : "the file holds no key in PEM";
    throw new AddressError(`${why} (a key with a passphrase cannot be used)`, "REDIS_KEY_FILE");
  }
}

/** Node's authorities: from 22.15 on with those of NODE_EXTRA_CA_CERTS and, if Node is set so, the system's. */
function nodeAuthorities(): readonly string[] {
  const { getCACertificates } = tls as { getCACertificates?: (which: string) => string[] };
  return getCACertificates?.("default") ?? tls.rootCertificates;
}
