/** What happens underneath, for whoever looks for a mistake: no texts, no keys. */
import type { TertuliaError } from "./error.js";

export type DebugEvent =
  /** An attempt begins. */
  | { readonly type: "dial"; readonly url: string }
  /** The WebSocket is open; hello goes out. */
  | { readonly type: "open"; readonly url: string }
  /** A frame; `frame` is its type. */
  | {
      readonly type: "sent" | "received";
      readonly frame: string;
      readonly id?: number | string | undefined;
      readonly conv?: string | undefined;
      readonly seq?: number | undefined;
      /** Of an error. */
      readonly code?: string | undefined;
      /** In UTF-16. */
      readonly length: number;
    }
  /** A connection is over, by whomever. */
  | { readonly type: "close"; readonly url: string; readonly code: number; readonly reason: string }
  /** The next attempt comes after this time. */
  | { readonly type: "retry"; readonly delayMs: number; readonly error: TertuliaError }
  /** The storage refused; what is kept there is old, or nothing. */
  | { readonly type: "storage"; readonly error: unknown };

export type Debug = (event: DebugEvent) => void;
