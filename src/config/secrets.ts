/** Secrets from files: `NAME_FILE` is the path of a file that holds what `NAME` would. */
import { readFileSync } from "node:fs";
import type { Mistake } from "./relations.js";

/** The variables that may come from files. */
export const SECRETS = [
  "REDIS_URL",
  "REDIS_PASSWORD",
  "SENTINEL_PASSWORD",
  "LOG_NAMES_KEY",
  "TOKEN_SECRET",
] as const;

export type Secret = (typeof SECRETS)[number];

/** The secrets that come from files, with the paths. */
export type SecretFiles = Readonly<Partial<Record<Secret, string>>>;

/** A file that cannot be used. The message has no path: somebody may have given the secret itself as the path. */
export class SecretError extends Error {
  override readonly name = "SecretError";
  readonly variable: string;
  readonly example: string;

  constructor(secret: Secret, message: string) {
    super(message);
    this.variable = fileVariable(secret);
    this.example = exampleOf(secret);
  }
}

export function fileVariable(secret: Secret): string {
  return `${secret}_FILE`;
}

type Given = Readonly<Record<string, string | undefined>>;

/** The given variables, with the secrets that come from files filled in. */
export function withSecrets(given: Given): {
  readonly values: Given;
  readonly secretFiles: SecretFiles;
  readonly mistakes: readonly Mistake[];
} {
  const mistakes: Mistake[] = [];
  const files: Partial<Record<Secret, string>> = {};
  const values: Record<string, string | undefined> = { ...given };
  for (const secret of SECRETS) {
    const path = given[fileVariable(secret)];
    if (path === undefined) continue;
    try {
      if (given[secret] !== undefined) {
        throw new SecretError(secret, `${secret} is given too: leave one of them out`);
      }
      Object.assign(values, readSecrets({ [secret]: path }));
      files[secret] = path;
    } catch (error) {
      if (!(error instanceof SecretError)) throw error;
      mistakes.push(error);
    }
  }
  return { values, secretFiles: files, mistakes };
}

/** Reads the files, without the newline at the end. @throws SecretError */
export function readSecrets(files: SecretFiles): Partial<Record<Secret, string>> {
  const secrets = SECRETS.filter((secret) => files[secret] !== undefined);
  return Object.fromEntries(secrets.map((secret) => [secret, readSecret(secret, files[secret]!)]));
}

function readSecret(secret: Secret, path: string): string {
  let content: string;
  try {
    content = readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new SecretError(secret, `the file cannot be read (${code})`);
  }
  const value = content.replace(/\r?\n$/, "");
  if (value.trim() === "") throw new SecretError(secret, "the file is empty");
  return value;
}

function exampleOf(secret: Secret): string {
  return `/run/secrets/${secret.toLowerCase().replaceAll("_", "-")}`;
}
