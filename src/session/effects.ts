/** Effects: what a transition asks the connection to do, in this order. */
import type { LogIn, RefusalDetails, Reply } from "../chat/commands.js";
import type { Conversation } from "../chat/conversation.js";
import type { Message } from "../chat/events.js";
import type { Shown } from "../chat/identity.js";
import type { Name } from "../chat/names.js";
import type {
  Asked,
  ChatCommand,
  Cursors,
  Encoded,
  PresenceNotice,
  Ref,
  Output,
} from "./requests.js";
import type { ClaimOutcome } from "./answers.js";
import type { CloseReason, Ending } from "./endings.js";
import type { Resumed } from "./resumed.js";
import type { Timer } from "./timers.js";

export type Effect =
  // to the client
  /** Sent at once, ahead of frames that are held back. */
  | { readonly type: "send"; readonly output: Output }
  | { readonly type: "sendAnswer"; readonly answer: Uint8Array }
  /** Answers the frame that was taken from the request queue: it is too much for this client. */
  | { readonly type: "refuseFrame"; readonly waitMs: number }
  /** Queued behind everything else, including frames that are held back. */
  | { readonly type: "push"; readonly frame: Encoded }
  | { readonly type: "pushOutput"; readonly output: Output }
  /** Pushes the messages as fast as the client reads (backpressure), then answers `pageTold`. */
  | { readonly type: "pushMissed"; readonly messages: readonly Message[] }
  /** From here on, pushed frames are held back; `uncork` releases them. */
  | { readonly type: "cork" }
  | { readonly type: "uncork" }
  /** Drops the frames that are held back. */
  | { readonly type: "forgetCorked" }
  // to the connection
  /** Flushes the send queue, then sends a close frame. */
  | { readonly type: "close"; readonly why: CloseReason; readonly detail?: string | undefined }
  | { readonly type: "answerClose" }
  | { readonly type: "terminate" }
  /** Decodes the frame that was taken from the request queue; answers `decoded`. */
  | { readonly type: "decode"; readonly isFirst: boolean }
  /** Empties the request queue. */
  | { readonly type: "forgetRequests" }
  | { readonly type: "startTimer" | "stopTimer"; readonly timer: Timer }
  // to the chat
  /**
   * Subscribes to notices for the name, then claims it, if it is proved to be the client's; answers `claimAnswered`.
   * `isAgain`: with the same key and proof as before.
   */
  | {
      readonly type: "claim";
      readonly name: Name;
      readonly written: string | undefined;
      readonly key: string | undefined;
      readonly shown: Shown | undefined;
      readonly keep: boolean | undefined;
      readonly isAgain: boolean;
    }
  /** Asks the holder of the name to prove that it is alive; answers `contestDecided`. */
  | { readonly type: "contest"; readonly name: Name }
  /** Claims the name again; answers `reclaimAnswered`. `round`: how often it had been put in doubt by then. */
  | { readonly type: "reclaim"; readonly mayBeOlder: boolean; readonly round: number }
  /** Signs out; answers `releaseAnswered`. */
  | { readonly type: "release" }
  /** Answers `answered` or `failed`. */
  | { readonly type: "execute"; readonly command: ChatCommand }
  /** Answers `answered` or `failed`. */
  | { readonly type: "beginLogin"; readonly asked: LogIn }
  /** Answers `resumed` or `failed`. */
  | { readonly type: "resume"; readonly cursors: Cursors }
  /** Answers `pageRead` or `failed`. */
  | { readonly type: "readPage"; readonly conversation: Conversation; readonly after: number }
  // to the gateway
  /** How the claim of the handshake was answered. */
  | {
      readonly type: "claimed";
      readonly outcome: ClaimOutcome;
      readonly details?: RefusalDetails | undefined;
    }
  /** The claim failed: refused or, if `isUnsure`, not answered, so the store may have granted it. */
  | { readonly type: "unclaimed"; readonly name: Name; readonly isUnsure: boolean }
  /** The name was given back: later notices for it are for another session. */
  | { readonly type: "left"; readonly name: Name }
  /** The connection is closed, and all requests are done. */
  | { readonly type: "ended"; readonly ending: Ending }
  /** The client hears of these and others from now on, and at once how many there are. */
  | { readonly type: "follow"; readonly watch: readonly Name[]; readonly ref: Ref }
  | { readonly type: "unfollow" }
  /** Activity of a person, not of a client program. */
  | { readonly type: "active"; readonly kind: "message" | "typing" }
  | { readonly type: "statusChosen" }
  // to the metrics and the log
  /** A frame was too much. */
  | { readonly type: "countRefused" }
  | {
      readonly type: "logConnected";
      readonly outcome: "new" | "back" | "joined";
      readonly client: string | undefined;
    }
  | { readonly type: "logStatus"; readonly notice: PresenceNotice }
  | { readonly type: "logIgnored"; readonly why: string }
  | { readonly type: "logResumed"; readonly conversations: readonly Resumed[] }
  | { readonly type: "logAnswer"; readonly asked: Asked | undefined; readonly reply: Reply }
  | { readonly type: "logLost" };

/** Whether the effect sends something to the client, at once or later. None of them comes after a close frame. */
export const SENDS: Readonly<Record<Effect["type"], boolean>> = {
  send: true,
  sendAnswer: true,
  refuseFrame: true,
  push: true,
  pushOutput: true,
  pushMissed: true,
  cork: false,
  uncork: true,
  forgetCorked: false,
  close: false,
  answerClose: false,
  terminate: false,
  decode: false,
  forgetRequests: false,
  startTimer: false,
  stopTimer: false,
  claim: false,
  contest: false,
  reclaim: false,
  release: false,
  execute: false,
  beginLogin: false,
  resume: false,
  readPage: false,
  claimed: false,
  unclaimed: false,
  left: false,
  ended: false,
  follow: true,
  unfollow: false,
  active: false,
  statusChosen: false,
  countRefused: false,
  logConnected: false,
  logStatus: false,
  logIgnored: false,
  logResumed: false,
  logAnswer: false,
  logLost: false,
};

/** What came of the claim of an upgrade request. */
export type Claimed = Pick<Extract<Effect, { type: "claimed" }>, "outcome" | "details">;
