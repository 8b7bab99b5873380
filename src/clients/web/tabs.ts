/** What the tabs of one browser, though each lives by itself, have in common. */
import { randomId } from "../sdk/platform.js";

/** This page, until it is loaded again. */
export const TAB = randomId();

/** Locks are there only where the page came by https or from this machine; and they may not be allowed. */
const locks = (navigator as { locks?: LockManager }).locks;
const IS_OPEN = "tertulia.tab.";

void locks?.request(IS_OPEN + TAB, () => new Promise(() => {})).catch(() => {}); // as if there were none

/** The tabs that are open now; without locks nobody knows. */
export async function openTabs(): Promise<ReadonlySet<string>> {
  const found = await locks?.query().catch(() => undefined);
  return new Set(found?.held?.map(({ name = "" }) => name.replace(IS_OPEN, "")));
}

/** Another tab has written, or forgotten, what all share. */
export function onOtherTab(changed: (what: string) => void): void {
  addEventListener("storage", ({ key }) => {
    if (key?.startsWith("tertulia.")) changed(key.slice("tertulia.".length));
  });
}
