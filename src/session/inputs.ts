/** Inputs: what a session reacts to. Regions raise some of them for one another, within the same transition. */
import type { RefusalDetails, Reply } from "../chat/commands.js";
import type { Notice } from "../chat/events.js";
import type { Page } from "../chat/history.js";
import type { Shown } from "../chat/identity.js";
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
  /** The connection is closed. `code`: of the close frame, if there was one. */
  | { readonly type: "socketClosed"; readonly code?: number | undefined }
  | { readonly type: "slow" }
  /** A bug: the connection could not handle an input, or carry out an effect. The session comes to its end. */
  | { readonly type: "broken" }
  /**
   * A frame was taken from the request queue. Only one that {@link allowedFrame} allows. `tooFastMs`: it is too much for
   * this client, which has to wait so long. `isForgiven`: that is no strike.
   */
  | {
      readonly type: "frame";
      readonly tooFastMs?: number | undefined;
      readonly isForgiven?: boolean;
    }
  | { readonly type: "decoded"; readonly decoded: Decoded }
  /** The request queue is empty. Only when {@link mustDrain}. */
  | { readonly type: "drained" }
  // the gateway
  /** From the handshake, or raised by a register or hello. */
  | {
      readonly type: "claim";
      readonly name: Name;
      readonly written?: string | undefined;
      readonly key?: string | undefined;
      readonly shown?: Shown | undefined;
      readonly keep?: boolean | undefined;
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
      /** As in the effect that it answers. */
      readonly round: number;
    }
  | { readonly type: "releaseAnswered"; readonly isReleased: boolean }
  | { readonly type: "answered"; readonly reply: Reply }
  | { readonly type: "failed"; readonly why: Failure }
  | { readonly type: "resumed"; readonly conversations: readonly Resumed[] }
  | { readonly type: "pageRead"; readonly page: Page }
  /** All messages of a page are in the send queue: answers `pushMissed`. */
  | { readonly type: "pageTold" }
  // time
  | { readonly type: "timer"; readonly timer: Timer }
  // raised, or asked by the gateway
  | { readonly type: "close"; readonly why: CloseReason; readonly detail?: string | undefined }
  | { readonly type: "cut"; readonly why: string }
  // raised
  | {
      readonly type: "claimSettled";
      readonly outcome: ClaimOutcome;
      readonly details?: RefusalDetails | undefined;
    }
  /** The name is no longer in doubt. */
  | { readonly type: "sure" }
  /** Another session has the name now. */
  | { readonly type: "lost" }
  /** From here on, nothing may be done in the name. */
  | { readonly type: "fence" }
  | { readonly type: "release" }
  /** An attempt to give the name back is over. `isOut`: it succeeded. */
  | { readonly type: "left"; readonly isOut: boolean }
  /** All requests are done, and the name was given back if it had to be. */
  | { readonly type: "finished" }
  /** The store has executed the client's own sign-out. */
  | { readonly type: "signedOut" }
  /** The client got the notice of its own sign-out. */
  | { readonly type: "heardOfSignOut" }
  /** The client will not come back. */
  | { readonly type: "farewell" }
  /** The claim failed: notices that were held back for the name are for its owner. */
  | { readonly type: "forget" }
  | { readonly type: "caughtUp" };

export type InputOf<Type extends Input["type"]> = Extract<Input, { type: Type }>;
