/**
 * The key with which the tabs of this browser share a name, and with which it comes back to a name that it has left. Only
 * a tab that was connected with a key writes it.
 */
import { isKey } from "../sdk/argument-checks.js";
import { load, remove, save } from "./browser-storage.js";

/** By then, other tabs can read what one tab has written. */
const SHARED_WITHIN_MS = 500;
const LOOK_EVERY_MS = 20;

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
  save("browser", placeOf(name), key);
}

export function forgetKey(name: string): void {
  remove("browser", placeOf(name));
}

function placeOf(name: string): string {
  return `key.${name}`;
}
