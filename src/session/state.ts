/**
 * The state of a session: six regions, each a union of named states. The file of a region has its table of
 * transitions: comeback.ts, transport.ts, service.ts, name.ts, request.ts, delivery.ts. What relates them: invariants.ts.
 */
import type { LogIn } from "../chat/commands.js";
import type { Position } from "../chat/events.js";
import type { Name, Status } from "../chat/names.js";
import type { Ending } from "./endings.js";
import { nothingEarly, type Early, type Progress, type Told } from "./catch-up.js";
import type { ChatCommand, Hello, Ref } from "./requests.js";
import type { SessionSettings, Traits } from "./traits.js";

/** Whether the client may come back. If so, the name is kept for it when the connection is lost. */
export type Comeback = { readonly kind: "expected" } | { readonly kind: "none" };

/** The state of the WebSocket. */
export type Transport =
  /** Before the 101. A close that is asked for meanwhile is remembered as `ending`, and done after it. */
  | { readonly kind: "upgrading"; readonly ending: Ending | undefined }
  /** Nothing is written for a moment, unless the client speaks first. See {@link Traits.settles}. */
  | { readonly kind: "settling"; readonly ending: Ending | undefined }
  | { readonly kind: "open"; readonly ending: Ending | undefined }
  /** We sent a close frame, or terminated the connection. */
  | { readonly kind: "closing"; readonly ending: Ending }
  /** The client sent a close frame. It is answered once its requests are done and it has left. */
  | { readonly kind: "peer-closing"; readonly ending: Ending }
  /** Both sent a close frame. The socket is ended once the requests are done. */
  | { readonly kind: "both-closing"; readonly ending: Ending }
  /** The client's close frame was answered. */
  | { readonly kind: "answered"; readonly ending: Ending }
  | { readonly kind: "closed"; readonly ending: Ending };

/** How far the session serves its client. `releases`: the name is given back afterwards. */
export type Service =
  | { readonly kind: "serving" }
  /** Leaving: requests that have come are carried out, for a limited time. */
  | { readonly kind: "finishing"; readonly releases: boolean }
  /** Leaving, and fenced: only the request under way is waited for. */
  | { readonly kind: "hurrying"; readonly releases: boolean }
  /** Nothing may be done in the name any more. */
  | { readonly kind: "fenced" }
  /** All requests are done; the name is being given back. */
  | { readonly kind: "releasing" }
  | { readonly kind: "finished" }
  /** The connection is closed as well, and the gateway knows. */
  | { readonly kind: "over" };

/** A name that was claimed. `at`: its position in the log then. `status`: as the feed has told since. */
interface ClaimedAt {
  readonly name: Name;
  readonly at: Position;
  readonly status: Status;
}

/** The name of the session. */
export type NameClaim =
  | { readonly kind: "none" }
  /** `isAgain`: for the second time, after a contest. */
  | { readonly kind: "claiming"; readonly name: Name; readonly isAgain: boolean }
  /** The name is taken. Its holder is asked to prove that it is alive. */
  | { readonly kind: "contesting"; readonly name: Name }
  | ({ readonly kind: "held" } & ClaimedAt)
  /** In doubt: the node was not a member for a while. Nothing is sent or executed until the name is claimed again. */
  | ({ readonly kind: "doubted" } & ClaimedAt)
  /** `contestsLeft`: undefined unless it is claimed after a contest. */
  | ({ readonly kind: "reclaiming"; readonly contestsLeft: number | undefined } & ClaimedAt)
  /** Taken, in data that may be older: the holder there may be gone. */
  | ({ readonly kind: "recontesting"; readonly contestsLeft: number } & ClaimedAt)
  /** Being given back. `isSure`: not in doubt. If it is, notices stay held back: they may be for another user. */
  | ({ readonly kind: "releasing"; readonly isSure: boolean } & ClaimedAt)
  | ({ readonly kind: "released"; readonly isSure: boolean } & ClaimedAt)
  /** Another session has it. */
  | ({ readonly kind: "lost" } & ClaimedAt);

/** A name that was claimed with success. */
export type ClaimedName = Exclude<NameClaim, { kind: "none" | "claiming" | "contesting" }>;

/** For whom a name is claimed. */
export type Claimant =
  | { readonly type: "handshake" }
  | { readonly type: "register"; readonly name: Name; readonly ref: Ref }
  | { readonly type: "hello"; readonly hello: Hello; readonly ref: Ref };

/** What is kept of a {@link LogIn} until it is answered: no password. */
type LoggedAsked = Pick<LogIn, "type" | "name">;

/** A message that is being stored. */
export interface Unstored {
  readonly command: ChatCommand;
  readonly ref: Ref;
}

/** The request that is being carried out: one at a time, but for messages to everybody. */
export type RequestState =
  /** No frame has come yet. */
  | { readonly kind: "fresh" }
  | { readonly kind: "idle" }
  | { readonly kind: "reading" }
  /** The name is in doubt: the command waits. */
  | { readonly kind: "waiting"; readonly command: ChatCommand; readonly ref: Ref }
  | { readonly kind: "executing"; readonly command: ChatCommand; readonly ref: Ref }
  /** Messages to everybody are being stored, and answered, in this order. */
  | {
      readonly kind: "storing";
      readonly pending: readonly Unstored[];
      /** The frame behind them was too much: so long the client has to wait. */
      readonly tooFastMs: number | undefined;
    }
  /** A message is being stored. Notices are held back: its own must not overtake the reply. */
  | { readonly kind: "holding-back"; readonly command: ChatCommand; readonly ref: Ref }
  /** The client registers the name that it has already: its status is looked up. */
  | { readonly kind: "registering"; readonly name: Name; readonly ref: Ref }
  | { readonly kind: "claiming"; readonly claimant: Claimant }
  /** A login session is being begun. There is no name yet. */
  | { readonly kind: "logging-in"; readonly asked: LoggedAsked; readonly ref: Ref }
  | { readonly kind: "restoring-status"; readonly hello: Hello; readonly ref: Ref }
  | { readonly kind: "resuming"; readonly ref: Ref }
  | { readonly kind: "catching-up"; readonly progress: Progress }
  /** The client signs out. The notice of it may come before the store's answer. */
  | { readonly kind: "signing-out"; readonly command: ChatCommand; readonly ref: Ref }
  /** The client waits for the notice of its own sign-out. Its frames are ignored. */
  | { readonly kind: "signed-out" }
  | { readonly kind: "saying-bye"; readonly ref: Ref }
  /** A bug: whatever was under way is given up. Answers that come later are ignored, and so are frames. */
  | { readonly kind: "broken" };

/** Which notices the client gets. */
export type Delivery =
  /** Notices are buffered until the client has got what it missed. */
  | { readonly kind: "catching-up"; readonly early: Early; readonly told: Told }
  | { readonly kind: "flowing"; readonly told: Told }
  /** Notices were missed, and the client cannot be told so. It gets no more, and will be evicted. */
  | { readonly kind: "severed" };

export interface SessionState {
  readonly traits: Traits;
  readonly settings: SessionSettings;
  readonly comeback: Comeback;
  readonly transport: Transport;
  readonly service: Service;
  readonly name: NameClaim;
  readonly request: RequestState;
  readonly delivery: Delivery;
  /** How often the name was put in doubt. A claim that was made before the last time does not end the doubt. */
  readonly doubts: number;
  /** Bad or refused frames in a row. */
  readonly strikes: number;
}

const NOTHING_TOLD: Told = new Map();

export function newState(traits: Traits, settings: SessionSettings): SessionState {
  return {
    traits,
    settings,
    comeback: { kind: traits.lingers ? "expected" : "none" },
    transport: { kind: "upgrading", ending: undefined },
    service: { kind: "serving" },
    name: { kind: "none" },
    request: { kind: "fresh" },
    delivery: traits.catchesUp
      ? { kind: "catching-up", early: nothingEarly, told: NOTHING_TOLD }
      : { kind: "flowing", told: NOTHING_TOLD },
    doubts: 0,
    strikes: 0,
  };
}
