/** What a session has done: carried out by the connection, in order. */
import type { Reply } from "../chat/commands.js";
import type { Conversation } from "../chat/conversation.js";
import type { Message } from "../chat/events.js";
import type { Name } from "../chat/names.js";
import type {
  Asked,
  ChatCommand,
  Cursors,
  Encoded,
  PresenceNotice,
  Ref,
  Telling,
} from "./requests.js";
import type { ClaimOutcome } from "./answers.js";
import type { CloseReason, Ending } from "./endings.js";
import type { Resumed } from "./resumed.js";
import type { Timer } from "./timers.js";

export type Effect =
  // to the client
  /** Told at once, before what is held back. */
  | { readonly type: "send"; readonly telling: Telling }
  | { readonly type: "sendAnswer"; readonly answer: Uint8Array }
  /** Told behind all else, what is held back included. */
  | { readonly type: "push"; readonly frame: Encoded }
  | { readonly type: "pushTelling"; readonly telling: Telling }
  /** Pushes all of them as the client takes them, then answers `pageTold`. */
  | { readonly type: "pushMissed"; readonly messages: readonly Message[] }
  /** What is pushed is held back from here on, or no longer. */
  | { readonly type: "cork" }
  | { readonly type: "uncork" }
  /** What is held back is not told. */
  | { readonly type: "forgetCorked" }
  // to the connection
  /** What was told before comes before. */
  | { readonly type: "close"; readonly why: CloseReason }
  | { readonly type: "answerClose" }
  | { readonly type: "terminate" }
  /** Reads the frame at hand, and answers `decoded`. */
  | { readonly type: "decode"; readonly isFirst: boolean }
  /** The frame at hand came too fast. */
  | { readonly type: "refuseFrame"; readonly waitMs: number }
  /** What waits in the request queue is not carried out. */
  | { readonly type: "forgetRequests" }
  | { readonly type: "startTimer" | "stopTimer"; readonly timer: Timer }
  // to the chat
  /** Is told notices for the name from here on; answers `claimAnswered`. `isAgain`: under the same key as before. */
  | {
      readonly type: "claim";
      readonly name: Name;
      readonly written: string | undefined;
      readonly key: string | undefined;
      readonly isAgain: boolean;
    }
  /** Asks whoever has the name to show itself; answers `contestDecided`. */
  | { readonly type: "contest"; readonly name: Name }
  | { readonly type: "reclaim"; readonly mayBeOlder: boolean }
  /** Gives the name back; answers `releaseAnswered`. */
  | { readonly type: "release" }
  /** Answers `answered` or `failed`. */
  | { readonly type: "execute"; readonly command: ChatCommand }
  /** Answers `resumed` or `failed`. */
  | { readonly type: "resume"; readonly cursors: Cursors }
  /** Answers `pageRead` or `failed`. */
  | { readonly type: "readPage"; readonly conversation: Conversation; readonly after: number }
  // to the gateway
  /** How the claim of the handshake was answered. */
  | { readonly type: "claimed"; readonly outcome: ClaimOutcome }
  /** The name is not the session's: refused, or, if `isUnsure`, perhaps claimed without an answer. */
  | { readonly type: "unclaimed"; readonly name: Name; readonly isUnsure: boolean }
  /** The name was given back: what is for it from here on is not for the session. */
  | { readonly type: "left"; readonly name: Name }
  /** The connection is gone, and all that was asked for is done. */
  | { readonly type: "ended"; readonly ending: Ending }
  | { readonly type: "follow"; readonly watch: readonly Name[]; readonly ref: Ref }
  | { readonly type: "unfollow" }
  /** The client did what it does not do by itself. */
  | { readonly type: "active"; readonly kind: "message" | "typing" }
  | { readonly type: "statusChosen" }
  // to the log
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
