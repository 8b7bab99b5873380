/** The tabs of one browser: which are open, and what they share. */
import { randomId } from "../sdk/platform.js";

/** The id of this page, until it is reloaded. */
export const TAB = randomId();

/** Locks exist only with https or on localhost, and may be forbidden. */
const locks = (navigator as { locks?: LockManager }).locks;
const IS_OPEN = "tertulia.tab.";

void locks?.request(IS_OPEN + TAB, () => new Promise(() => {})).catch(() => {}); // as if there were none

/** The ids of open tabs; empty where there are no locks. */
export async function openTabs(): Promise<ReadonlySet<string>> {
  const found = await locks?.query().catch(() => undefined);
  return new Set(found?.held?.map(({ name = "" }) => name.replace(IS_OPEN, "")));
}

/** Calls `changed` when another tab has written or removed a shared item. */
export function onOtherTab(changed: (what: string) => void): void {
  addEventListener("storage", ({ key }) => {
    if (key?.startsWith("tertulia.")) changed(key.slice("tertulia.".length));
  });
}
