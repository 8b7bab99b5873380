/**
 * Keeps secrets out of what is written: log lines, and what a process says when it ends. Errors of Redis quote the arguments
 * of a command that it does not know (HELLO, which has the password, may be renamed), and errors of the library carry them.
 */

const HIDDEN = "***";
/** A shorter one is part of too many words. */
const LEAST_CHARACTERS = 4;

/** Secrets that this process has read, and how they may be written. */
const secrets = new Set<string>();

/** What must not be written from now on. */
export function hide(...values: readonly (string | undefined)[]): void {
  for (const value of values) {
    if (value === undefined || value.length < LEAST_CHARACTERS) continue;
    const inJson = JSON.stringify(value).slice(1, -1);
    for (const each of [value, inJson, JSON.stringify(inJson).slice(1, -1)]) secrets.add(each);
    secrets.add(encodeURIComponent(value));
  }
}

/** What may be a secret, whoever's. */
const PATTERNS: readonly (readonly [RegExp, string])[] = [
  // of errors of Redis: users' texts, keys and passwords
  [/(with args beginning with: ).*?(?=\\n|\n|",|$)/g, `$1${HIDDEN}`],
  // user and password of a URL
  [/(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/?#"'@]+@/gi, `$1${HIDDEN}@`],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/gs, HIDDEN],
  // a JSON Web Token
  [/\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g, HIDDEN],
];

/** The text without secrets: those that were hidden, and what looks like one. */
export function redacted(text: string): string {
  let shown = text;
  for (const secret of secrets) {
    if (shown.includes(secret)) shown = shown.replaceAll(secret, HIDDEN);
  }
  for (const [pattern, instead] of PATTERNS) shown = shown.replace(pattern, instead);
  return shown;
}

/** An error that nobody caught, as it may be written: with its stack and causes, and none of its other fields. */
export function writtenError(error: unknown): string {
  if (!(error instanceof Error)) return redacted(String(error));
  const cause = error.cause === undefined ? "" : `\ncaused by ${writtenError(error.cause)}`;
  return redacted(`${error.stack ?? error.message}${cause}`);
}
