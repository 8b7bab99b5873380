/** The listeners of each kind of event. */
import type { TertuliaEvents } from "./events.js";

type Listeners = { [Type in keyof TertuliaEvents]?: Set<(event: TertuliaEvents[Type]) => void> };

export class Emitter {
  readonly #listeners: Listeners = {};

  on<Type extends keyof TertuliaEvents>(
    type: Type,
    listener: (event: TertuliaEvents[Type]) => void,
  ): () => void {
    const own = (event: TertuliaEvents[Type]): void => listener(event);
    const listeners: Set<typeof own> = (this.#listeners[type] ??= new Set() as never);
    listeners.add(own);
    return () => void listeners.delete(own);
  }

  emit<Type extends keyof TertuliaEvents>(type: Type, event: TertuliaEvents[Type]): void {
    for (const listener of Array.from(this.#listeners[type] ?? [])) callListener(listener, event);
  }
}

/** An error of a listener is thrown to the environment, and does not reach the SDK or other listeners. */
export function callListener<Event>(listener: (event: Event) => void, event: Event): void {
  try {
    listener(event);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
