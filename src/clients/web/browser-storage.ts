/** Storage of the browser, for one tab or for all. If the browser refuses, nothing is kept. */

export function save(where: "tab" | "browser", what: string, value: unknown): void {
  const text = JSON.stringify(value);
  try {
    const store = storeOf(where);
    if (store.getItem(keyOf(what)) !== text) store.setItem(keyOf(what), text);
  } catch {
    // full, or not allowed: the chat works without
  }
}

/** Whether the browser keeps anything. */
export function isKept(where: "tab" | "browser"): boolean {
  save(where, "is-kept", true);
  const isThere = load(where, "is-kept") === true;
  remove(where, "is-kept");
  return isThere;
}

/** The shape is not trusted: other pages of this origin write there as well. */
export function load(where: "tab" | "browser", what: string): unknown {
  try {
    const text = storeOf(where).getItem(keyOf(what));
    return text === null ? undefined : (JSON.parse(text) as unknown);
  } catch {
    return undefined; // not allowed, or not ours
  }
}

export function remove(where: "tab" | "browser", what: string): void {
  try {
    storeOf(where).removeItem(keyOf(what));
  } catch {
    // nothing is kept anyway
  }
}

/** The names that begin with `beginning`, without it. */
export function list(where: "tab" | "browser", beginning: string): readonly string[] {
  try {
    return Object.keys(storeOf(where))
      .filter((key) => key.startsWith(keyOf(beginning)))
      .map((key) => key.slice(keyOf(beginning).length));
  } catch {
    return [];
  }
}

/** Everything whose name begins so. */
export function removeAll(where: "tab" | "browser", beginning: string): void {
  for (const rest of list(where, beginning)) remove(where, beginning + rest);
}

function storeOf(where: "tab" | "browser"): Storage {
  return where === "tab" ? sessionStorage : localStorage;
}

function keyOf(what: string): string {
  return `tertulia.${what}`;
}
