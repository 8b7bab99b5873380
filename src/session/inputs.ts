/** What a session reacts to. Those under "raised" come from its own regions, and are handled in the same transition. */
import type { Reply } from "../chat/commands.js";
import type { Notice } from "../chat/events.js";
import type { Page } from "../chat/history.js";
import type { Name } from "../chat/names.js";
import type { ClaimAnswer, ClaimOutcome, Failure, ReclaimAnswer } from "./answers.js";
import type { CloseReason } from "./endings.js";
import type { Decoded, Encoded } from "./requests.js";
import type { Resumed } from "./resumed.js";
import type { Claimant } from "./state.js";
import type { Timer } from "./timers.js";

export type Input =
  // the connection
  | { readonly type: "upgraded" }
  | { readonly type: "closeReceived"; readonly code: number }
  | { readonly type: "socketFailed"; readonly why: string }
  /** The connection is gone; with the code of the close frame, if there was one. */
  | { readonly type: "socketClosed"; readonly code?: number | undefined }
  | { readonly type: "slow" }
  /** The request queue has a frame; only when {@link isReadyForFrame}. */
  | { readonly type: "frame" }
  | { readonly type: "decoded"; readonly decoded: Decoded }
  /** Nothing waits in the request queue; only when {@link mustDrain}. */
  | { readonly type: "drained" }
  // the gateway
  /** Handshake, register or hello; raised for the latter two. */
  | {
      readonly type: "claim";
      readonly name: Name;
      readonly written?: string | undefined;
      readonly key?: string | undefined;
      readonly claimant: Claimant;
    }
  | { readonly type: "leave" }
  | { readonly type: "abandon" }
  | { readonly type: "goAway"; readonly inMs: number }
  | { readonly type: "nudge" }
  | { readonly type: "suspend" }
  | { readonly type: "reclaim"; readonly mayBeOlder: boolean }
  | { readonly type: "notice"; readonly notice: Notice; readonly frame: Encoded | undefined }
  // answers to effects
  | { readonly type: "claimAnswered"; readonly answer: ClaimAnswer }
  | { readonly type: "contestDecided"; readonly mayBeFree: boolean }
  | {
      readonly type: "reclaimAnswered";
      readonly answer: ReclaimAnswer;
      readonly mayBeOlder: boolean;
    }
  | { readonly type: "releaseAnswered"; readonly isReleased: boolean }
  | { readonly type: "answered"; readonly reply: Reply }
  | { readonly type: "failed"; readonly why: Failure }
  | { readonly type: "resumed"; readonly conversations: readonly Resumed[] }
  | { readonly type: "pageRead"; readonly page: Page }
  /** All messages of a page are in the send queue. */
  | { readonly type: "pageTold" }
  // time
  | { readonly type: "timer"; readonly timer: Timer }
  // raised, or asked by the gateway
  | { readonly type: "close"; readonly why: CloseReason }
  | { readonly type: "cut"; readonly why: string }
  // raised
  | { readonly type: "claimSettled"; readonly outcome: ClaimOutcome }
  /** The name is sure again. */
  | { readonly type: "sure" }
  /** The name is somebody else's. */
  | { readonly type: "lost" }
  /** Nothing more may be done in the name. */
  | { readonly type: "fence" }
  | { readonly type: "release" }
  /** An attempt to give the name back has ended. */
  | { readonly type: "left"; readonly isOut: boolean }
  /** All that was asked for is done, and the name was given back if it had to be. */
  | { readonly type: "finished" }
  /** The store has signed the user out, by the client's own command. */
  | { readonly type: "signedOut" }
  /** The client was told that its own user is disconnected. */
  | { readonly type: "heardOfSignOut" }
  /** The client says that it will not come back. */
  | { readonly type: "farewell" }
  /** What was heard under a name that was not had is for its owner. */
  | { readonly type: "forget" }
  | { readonly type: "caughtUp" };

export type InputOf<Type extends Input["type"]> = Extract<Input, { type: Type }>;
