/** A pause that a stop cuts short. */
import { setTimeout as pause } from "node:timers/promises";

/** Resolves after this time, or as soon as the signal is aborted. Never rejects. */
export async function pauseUnlessAborted(
  ms: number,
  signal: AbortSignal,
  options: { readonly ref?: boolean } = {},
): Promise<void> {
  await pause(ms, undefined, { ...options, signal }).catch(() => {}); // only the signal ends it with an error
}
