/** Variables that look like ones of the configuration and are none: misspelt, or those of another program. */
import { VARIABLES } from "./config.js";

export interface Misspelt {
  readonly variable: string;
  /** Which one it looks like, if it is one more than others. */
  readonly meant: string | undefined;
}

const KNOWN = [...VARIABLES];
/** What begins so is meant for this program, most likely. */
const FAMILIES =
  /^(?:TERTULIA|REDIS|SENTINEL|HISTORY|PRESENCE|QUEUE|DRAIN|ACK|LEASE|BEAT|ELECTION|CLASSIC|GENERAL|METRICS)_/;
/** The terminal client's. */
const OF_CLIENTS: ReadonlySet<string> = new Set(["TERTULIA_URL"]);
/** Kubernetes and Docker tell every container so where its neighbours are. */
const OF_SERVICES =
  /_SERVICE_HOST$|_SERVICE_PORT(?:_\w+)?$|_PORT_\d+_(?:TCP|UDP|SCTP)(?:_\w+)?$|_ENV_\w+$/;
const SERVICE_ADDRESS = /^(?:tcp|udp|sctp):\/\//;

/** Never looks at more of a value than whether it is the address of a service. */
export function findMisspelt(
  environment: Readonly<Record<string, string | undefined>>,
): Misspelt[] {
  const found: Misspelt[] = [];
  for (const [variable, value = ""] of Object.entries(environment)) {
    if (VARIABLES.has(variable) || OF_CLIENTS.has(variable)) continue;
    if (OF_SERVICES.test(variable) || SERVICE_ADDRESS.test(value)) continue;
    const meant = nearest(variable.toUpperCase());
    if (meant !== undefined || FAMILIES.test(variable)) found.push({ variable, meant });
  }
  return found;
}

/** The variable that is this but for its unit, or a letter or two (one, if it is short). */
function nearest(word: string): string | undefined {
  const longer = KNOWN.find((known) => word.includes("_") && known.startsWith(`${word}_`));
  if (longer !== undefined) return longer;
  const near = KNOWN.map((known) => ({ known, distance: distanceBetween(word, known) }))
    .filter(({ known, distance }) => distance <= (known.length < 12 ? 1 : 2))
    .toSorted((a, b) => a.distance - b.distance);
  return near[0]?.known;
}

/** How many letters are to be put in, left out, changed or swapped with the next one. */
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
