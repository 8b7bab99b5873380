/** Events of the `debug` hook: what the SDK does underneath. Without texts and keys. */
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
  /** A connection has ended, whichever side ended it. */
  | { readonly type: "close"; readonly url: string; readonly code: number; readonly reason: string }
  /** The next attempt comes after this time. */
  | { readonly type: "retry"; readonly delayMs: number; readonly error: TertuliaError }
  /** The storage failed: its content is old, or missing. */
  | { readonly type: "storage"; readonly error: unknown };

export type Debug = (event: DebugEvent) => void;
