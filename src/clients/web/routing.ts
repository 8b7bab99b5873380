/**
 * Routing: the page's address names the open conversation, `#/` the general chat, `#/@name` a private one. Each
 * conversation that is opened is an entry of the browser's history; on a narrow screen the list is an entry
 * below them, so that Back leads there first.
 */
import { normalizeName } from "../sdk/normalize-name.js";
import { EVERYBODY, type Conv } from "../view/model.js";
import { isNarrow } from "./screen.js";

/** A narrow screen shows one of these. */
export type Pane = "list" | "talk";

interface Entry {
  readonly pane: Pane;
  /** How many entries back the list is; 0: it is not in the history. */
  readonly up: number;
}

/** Undefined: the address names no conversation, or an impossible one. */
export function convInUrl(): Conv | undefined {
  const [, rest] = /^#\/(.*)$/.exec(location.hash) ?? [];
  if (rest === undefined) return undefined;
  if (rest === "") return EVERYBODY;
  try {
    const conv = normalizeName(decodeURIComponent(rest));
    return isConv(conv) ? conv : undefined;
  } catch {
    return undefined; // %E4 alone is no letter
  }
}

/** The first pane. A reloaded page has its entries already. */
export function firstPane(conv: Conv): Pane {
  const here = entry();
  if (here !== undefined) return here.pane;
  write("replaceState", { pane: isNarrow() ? "list" : "talk", up: 0 }, conv);
  if (isNarrow()) write("pushState", { pane: "talk", up: 1 }, conv);
  return "talk";
}

export function goTo(conv: Conv): void {
  const here = entry();
  if (here?.pane === "talk" && convInUrl() === conv) return;
  const { pane, up } = here ?? { pane: "talk", up: 0 };
  write("pushState", { pane: "talk", up: pane === "list" ? 1 : up && up + 1 }, conv);
}

/** Back to the list's entry; if there is none, to a new one. */
export function goToList(open: Conv): void {
  const up = entry()?.up ?? 0;
  if (up > 0) history.go(-up);
  else write("pushState", { pane: "list", up: 0 }, open);
}

/** Where Back, Forward or a typed address lead. An address without a conversation becomes that of `open`. */
export function onPopState(open: Conv): { readonly pane: Pane; readonly conv: Conv } {
  const conv = convInUrl();
  const here = entry();
  if (conv === undefined || here === undefined) {
    write("replaceState", here ?? { pane: "talk", up: 0 }, conv ?? open);
  }
  return { pane: here?.pane ?? "talk", conv: conv ?? open };
}

/** So that the next user of this tab is not led to the conversations of the one before. */
export function forgetAddress(): void {
  history.replaceState(null, "", location.pathname + location.search);
}

function entry(): Entry | undefined {
  const state = history.state as Partial<Entry> | null;
  return state?.pane === undefined ? undefined : { pane: state.pane, up: state.up ?? 0 };
}

function write(how: "pushState" | "replaceState", state: Entry, conv: Conv): void {
  // a lone surrogate cannot be encoded
  const name = encodeURIComponent(conv.slice(1).replaceAll(/\p{Cs}/gu, "\ufffd"));
  history[how](state, "", conv === EVERYBODY ? "#/" : `#/@${name}`);
}

/** A rough check. PROTOCOL.md, names: the chat itself refuses the rest, with a reason. */
function isConv(conv: string): boolean {
  // oxlint-disable-next-line no-control-regex -- control characters are what it keeps out
  const isName = /^@(?![@#\s])[^\x00-\x1f\x7f]+(?<!\s)$/.test(conv);
  return isName && new TextEncoder().encode(conv).length <= 65;
}
