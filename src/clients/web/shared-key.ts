/**
 * The key with which the tabs of this browser share a name. Only a tab that is connected with a key writes it, so
 * the stored key is always valid. A tab that leaves removes it, and those that stay write it again.
 */
import { isKey } from "../sdk/argument-checks.js";
import { remove, load, save } from "./browser-storage.js";
import { onOtherTab } from "./tabs.js";

/** By then, other tabs can read what one tab has written. */
const SHARED_WITHIN_MS = 500;
const LOOK_EVERY_MS = 20;

let own: readonly [name: string, key: string] | undefined;

export function sharedKey(name: string): string | undefined {
  const key = load("browser", placeOf(name));
  return isKey(key) ? key : undefined; // other pages write there, too
}

/** Waits for the key of another tab that may be joining at the same moment. */
export async function awaitSharedKey(name: string): Promise<string | undefined> {
  const untilMs = performance.now() + SHARED_WITHIN_MS;
  for (;;) {
    const key = sharedKey(name);
    if (key !== undefined || performance.now() > untilMs) return key;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

export function shareKey(name: string, key: string): void {
  own = [name, key];
  save("browser", placeOf(name), key);
}

export function forgetKey(name: string, key: string): void {
  own = undefined;
  if (sharedKey(name) === key) remove("browser", placeOf(name));
}

onOtherTab((what) => {
  if (own !== undefined && what === placeOf(own[0])) shareKey(...own);
});

function placeOf(name: string): string {
  return `key.${name}`;
}
