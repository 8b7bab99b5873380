/** Waiting for events instead of listening to them: for the next one, or for all from here on. */
import { TertuliaError } from "./error.js";
import type { TertuliaEvents } from "./events.js";
import type { CallOptions, EventsOptions } from "./options.js";
import type { Tertulia } from "./tertulia.js";

/** The first event that `isIt`; rejects when the client is closed before, or the signal aborted. */
export function nextEvent<Type extends keyof TertuliaEvents>(
  chat: Tertulia,
  type: Type,
  { signal }: CallOptions,
  isIt: (event: TertuliaEvents[Type]) => boolean = () => true,
): Promise<TertuliaEvents[Type]> {
  return new Promise((resolve, reject) => {
    const off = chat.on(type, (event) => {
      if (!isIt(event)) return;
      off();
      offEnd();
      resolve(event);
    });
    const offEnd = onEnd(chat, signal, (error) => {
      off();
      reject(error ?? new TertuliaError("closed", "this client was closed"));
    });
  });
}

/** Listens from the call on; what was not read yet waits, up to `limit`. */
export function eventStream<Type extends keyof TertuliaEvents>(
  chat: Tertulia,
  type: Type,
  { signal, limit = 1_000 }: EventsOptions,
): AsyncIterableIterator<TertuliaEvents[Type]> {
  const waiting: TertuliaEvents[Type][] = [];
  let end: { readonly error: unknown } | undefined;
  let offEnd = (): void => {};
  let wake = (): void => {};
  const stop = (error: unknown): void => {
    end ??= { error };
    off();
    offEnd();
    wake();
  };
  const off = chat.on(type, (event) => {
    if (waiting.length < limit) waiting.push(event);
    else stop(new TertuliaError("overflow", `${limit} events of "${type}" wait to be read`));
    wake();
  });
  offEnd = onEnd(chat, signal, stop);
  return (async function* read() {
    try {
      while (true) {
        for (let event = waiting.shift(); event !== undefined; event = waiting.shift()) yield event;
        if (end !== undefined) break;
        await new Promise<void>((resolve) => (wake = resolve));
      }
      if (end.error !== undefined) throw end.error;
    } finally {
      stop(undefined);
    }
  })();
}

/** `ended` is called once: with why, if nobody of this program has closed the client. Returns what ends it. */
function onEnd(
  chat: Tertulia,
  signal: AbortSignal | undefined,
  ended: (error: unknown) => void,
): () => void {
  const look = (): void => {
    if (!signal?.aborted && chat.state.name !== "closed") return;
    off();
    if (signal?.aborted) ended(signal.reason);
    else if (chat.state.name === "closed") ended(chat.state.error);
  };
  const off = (): void => {
    offState();
    signal?.removeEventListener("abort", look);
  };
  const offState = chat.on("state", look);
  signal?.addEventListener("abort", look);
  look();
  return off;
}
