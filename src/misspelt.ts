/** Environment variables that look like settings and are none: misspelt, or another program's. */
import { VARIABLES } from "./config.js";

export interface Misspelt {
  readonly variable: string;
  /** The setting that it looks most like, if it looks like one. */
  readonly meant: string | undefined;
}

const KNOWN = [...VARIABLES];
/** A variable that begins with one of these is most likely meant for this program. */
const PREFIXES =
  /^(?:TERTULIA|REDIS|SENTINEL|HISTORY|TRUSTED|PRESENCE|QUEUE|DRAIN|ACK|LEASE|BEAT|ELECTION|CLASSIC|GENERAL|METRICS)_/;
/** Settings of the terminal client. */
const OF_CLIENTS: ReadonlySet<string> = new Set(["TERTULIA_URL"]);
/** Kubernetes and Docker set variables like these in every container, to say where other services are. */
const OF_SERVICES =
  /_SERVICE_HOST$|_SERVICE_PORT(?:_\w+)?$|_PORT_\d+_(?:TCP|UDP|SCTP)(?:_\w+)?$|_ENV_\w+$/;
const SERVICE_ADDRESS = /^(?:tcp|udp|sctp):\/\//;

/** Looks at a value only to see whether it is the address of a service. */
export function findMisspelt(
  environment: Readonly<Record<string, string | undefined>>,
): Misspelt[] {
  const found: Misspelt[] = [];
  for (const [variable, value = ""] of Object.entries(environment)) {
    if (VARIABLES.has(variable) || OF_CLIENTS.has(variable)) continue;
    if (OF_SERVICES.test(variable) || SERVICE_ADDRESS.test(value)) continue;
    const meant = nearest(variable.toUpperCase());
    if (meant !== undefined || PREFIXES.test(variable)) found.push({ variable, meant });
  }
  return found;
}

/** The setting that differs by a missing unit, or by at most two letters (one, if it is short). */
function nearest(word: string): string | undefined {
  const longer = KNOWN.find((known) => word.includes("_") && known.startsWith(`${word}_`));
  if (longer !== undefined) return longer;
  const near = KNOWN.map((known) => ({ known, distance: distanceBetween(word, known) }))
    .filter(({ known, distance }) => distance <= (known.length < 12 ? 1 : 2))
    .toSorted((a, b) => a.distance - b.distance);
  return near[0]?.known;
}

/** The Damerau-Levenshtein distance: letters inserted, deleted, changed or swapped with the next one. */
function distanceBetween(a: string, b: string): number {
  let [before, row] = [[] as number[], Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      next[j] = Math.min(
        row[j]! + 1,
        next[j - 1]! + 1,
        row[j - 1]! + (isSame ? 0 : 1),
        isSwapped ? before[j - 2]! + 1 : Infinity,
      );
    }
    [before, row] = [row, next];
  }
  return row[b.length]!;
}
