/**
 * Drafts. Each tab has its own, also after a reload. A new tab takes over what closed tabs left: in each
 * conversation the latest draft; older ones wait for the next new tab. Where it is unknown which tabs are open
 * (no locks), a new tab begins with a copy of their drafts.
 */
import type { Conv, View } from "../view/model.js";
import { remove, removeAll, list, load, save } from "./browser-storage.js";
import { onOtherTab, openTabs, TAB } from "./tabs.js";

/** The drafts of one conversation: one per tab, the latest last. */
interface Draft {
  readonly tab: string;
  readonly text: string;
}

/** The drafts of one tab, through reloads. */
interface TabDrafts {
  readonly tab: string;
  readonly drafts: Readonly<Record<Conv, unknown>>;
}

/** Of closed tabs that nobody comes back to. */
const KEPT_AT_MOST = 20;

let me = "";
let saved: Readonly<Record<Conv, string>> = {};

export async function loadDrafts(name: string): Promise<Readonly<Record<Conv, string>>> {
  const open = await openTabs();
  const own = load("tab", placeOf(name)) as TabDrafts | undefined;
  const drafts: Record<Conv, string> = {};
  for (const [conv, text] of Object.entries(own?.drafts ?? {})) drafts[conv] = String(text);
  for (const conv of list("browser", placeOf(name))) {
    const all = read(name, conv);
    const free = own === undefined ? all.findLast(({ tab }) => !open.has(tab)) : undefined;
    if (free !== undefined) drafts[conv] = free.text;
    const before = free?.tab ?? own?.tab; // a reloaded page has a new tab id
    const now = all.map(({ tab, text }) => ({ tab: tab === before ? TAB : tab, text }));
    write(name, conv, now);
  }
  me = name;
  saved = drafts;
  save("tab", placeOf(name), { tab: TAB, drafts });
  for (const conv of Object.keys(saved)) putBack(conv);
  return drafts;
}

export function saveDrafts({ conversations }: View): void {
  const drafts: Record<Conv, string> = {};
  for (const { conv, draft } of conversations.values()) if (draft !== "") drafts[conv] = draft;
  const changed = Object.keys({ ...saved, ...drafts }).filter(
    (conv) => saved[conv] !== drafts[conv],
  );
  for (const conv of changed) {
    const others = read(me, conv).filter(({ tab }) => tab !== TAB);
    const text = drafts[conv];
    write(me, conv, text === undefined ? others : [...others, { tab: TAB, text }]);
  }
  saved = drafts;
  if (changed.length > 0) save("tab", placeOf(me), { tab: TAB, drafts });
}

/** The user has left for good. */
export function forgetDrafts(): void {
  saved = {};
  remove("tab", placeOf(me));
  removeAll("browser", placeOf(me));
}

/** Two tabs that write at the same moment overwrite each other: this tab's draft is added again, as an older one. */
function putBack(conv: Conv): void {
  const text = saved[conv];
  if (text === undefined) return;
  const all = read(me, conv);
  if (!all.some(({ tab }) => tab === TAB)) write(me, conv, [{ tab: TAB, text }, ...all]);
}

onOtherTab((what) => {
  if (what.startsWith(placeOf(me))) putBack(what.slice(placeOf(me).length));
});

function read(name: string, conv: Conv): readonly Draft[] {
  const found = load("browser", placeOf(name) + conv);
  return Array.isArray(found) ? found.filter(isDraft) : []; // other pages of this address write there, too
}

function isDraft(each: unknown): each is Draft {
  const { tab, text } = (each ?? {}) as Partial<Draft>;
  return typeof tab === "string" && typeof text === "string" && text !== "";
}

function write(name: string, conv: Conv, drafts: readonly Draft[]): void {
  if (drafts.length === 0) remove("browser", placeOf(name) + conv);
  else save("browser", placeOf(name) + conv, drafts.slice(-KEPT_AT_MOST));
}

function placeOf(name: string): string {
  return `drafts.${JSON.stringify(name)}`;
}
