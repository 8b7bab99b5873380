/** Events as promises: the next one (`once`), or all from here on (`events`). */
import { TertuliaError } from "./error.js";
import type { State, TertuliaEvents } from "./events.js";
import type { CallOptions, EventsOptions } from "./options.js";

/** The part of a client that is listened to. */
export interface Listenable {
  readonly state: State;
  on<Type extends keyof TertuliaEvents>(
    type: Type,
    listener: (event: TertuliaEvents[Type]) => void,
  ): () => void;
}

/** The next event that `isIt`. Rejects when the client is closed, or the signal aborted, before that. */
export function nextEvent<Type extends keyof TertuliaEvents>(
  chat: Listenable,
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

/** All events from this call on; those not read yet wait in a queue of at most `limit`. */
export function eventStream<Type extends keyof TertuliaEvents>(
  chat: Listenable,
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

/** Calls `ended` once, when the client is closed or the signal aborted; `error`: why, unless this program closed it. Returns a function that stops listening. */
function onEnd(
  chat: Listenable,
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
