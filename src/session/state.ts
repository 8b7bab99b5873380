/**
 * The state of a session: one value of a few regions, each a union of named states. What a region's states mean, and
 * which input leads from one to another, is in the file of that region.
 */
import type { Position } from "../chat/events.js";
import type { Name, Status } from "../chat/names.js";
import type { Ending } from "./endings.js";
import { fullBucket, type TokenBucket } from "./rate-limit.js";
import { nothingEarly, type Early, type Progress, type Told } from "./catch-up.js";
import type { ChatCommand, Hello, Ref } from "./requests.js";
import type { SessionSettings, Traits } from "./traits.js";

/** The WebSocket. */
export type Transport =
  /** The upgrade was not answered yet; what is asked of the connection meanwhile is done then. */
  | { readonly kind: "upgrading"; readonly ending: Ending | undefined }
  | { readonly kind: "settling"; readonly ending: Ending | undefined }
  | { readonly kind: "open"; readonly ending: Ending | undefined }
  /** This side has sent a close frame, or cut the connection. */
  | { readonly kind: "closing"; readonly ending: Ending }
  /** The client has sent a close frame: it reads no notice any more, and is answered when all it asked for is done. */
  | { readonly kind: "peer-closing"; readonly ending: Ending }
  /** Both sides have sent a close frame: the socket is ended when all that the client asked for is done. */
  | { readonly kind: "both-closing"; readonly ending: Ending }
  | { readonly kind: "answered"; readonly ending: Ending }
  /** The connection is gone. */
  | { readonly kind: "closed"; readonly ending: Ending };

/** What is still done for the client. `releases`: the name is given back when the rest is done. */
export type Service =
  | { readonly kind: "serving" }
  /** What has come is carried out; then no more. */
  | { readonly kind: "finishing"; readonly releases: boolean }
  /** As finishing, but only the request under way is waited for. */
  | { readonly kind: "hurrying"; readonly releases: boolean }
  /** Nothing more is done in the name. */
  | { readonly kind: "fenced" }
  /** All is done, and the name is being given back. */
  | { readonly kind: "releasing" }
  | { readonly kind: "finished" }
  /** Finished, the connection is gone, and the gateway was told. */
  | { readonly kind: "over" };

/** A name that the session has; `at`: since when; `status`: as far as the feed has told. */
interface Had {
  readonly name: Name;
  readonly at: Position;
  readonly status: Status;
}

/** The session's claim to a name. */
export type NameClaim =
  | { readonly kind: "none" }
  /** `isAgain`: after a contest. */
  | { readonly kind: "claiming"; readonly name: Name; readonly isAgain: boolean }
  /** The name was refused; whoever holds it is asked to show itself. */
  | { readonly kind: "contesting"; readonly name: Name }
  | ({ readonly kind: "held" } & Had)
  /** The cluster may have given the name to somebody else: nothing is told or done until it is claimed again. */
  | ({ readonly kind: "doubted" } & Had)
  | ({ readonly kind: "reclaiming"; readonly contestsLeft: number } & Had)
  /** Refused on data that may be older: whoever holds the name there may be gone. */
  | ({ readonly kind: "recontesting"; readonly contestsLeft: number } & Had)
  /** Being given back. `isSure`: it is not in doubt; if it is, what is held back may be for somebody else. */
  | ({ readonly kind: "releasing"; readonly isSure: boolean } & Had)
  | ({ readonly kind: "released"; readonly isSure: boolean } & Had)
  /** Somebody else has it. */
  | ({ readonly kind: "lost" } & Had);

/** A name that was claimed with success. */
export type ClaimedName = Exclude<NameClaim, { kind: "none" | "claiming" | "contesting" }>;

/** For whom a name is claimed. */
export type Claimant =
  | { readonly type: "handshake" }
  | { readonly type: "register"; readonly name: Name; readonly ref: Ref }
  | { readonly type: "hello"; readonly hello: Hello; readonly ref: Ref };

/** The request that is carried out; one after the other. */
export type RequestState =
  /** Nothing was asked yet. */
  | { readonly kind: "fresh" }
  | { readonly kind: "idle" }
  | { readonly kind: "reading" }
  /** A command waits until the name is sure again. */
  | { readonly kind: "waiting"; readonly command: ChatCommand; readonly ref: Ref }
  | { readonly kind: "executing"; readonly command: ChatCommand; readonly ref: Ref }
  /** A message of bytes is on its way to the store: its own notice must not overtake the store's answer. */
  | { readonly kind: "sending"; readonly command: ChatCommand; readonly ref: Ref }
  /** The name that the session has is asked for by a frame: its status is looked up. */
  | { readonly kind: "registering"; readonly name: Name; readonly ref: Ref }
  | { readonly kind: "claiming"; readonly claimant: Claimant }
  | { readonly kind: "restoring-status"; readonly hello: Hello; readonly ref: Ref }
  | { readonly kind: "resuming"; readonly ref: Ref }
  | { readonly kind: "catching-up"; readonly progress: Progress }
  /** Status 0 is on its way to the store; the news of it may be faster than the answer. */
  | { readonly kind: "signing-out"; readonly command: ChatCommand; readonly ref: Ref }
  /** The client waits to hear of its own sign-out; nothing that it asks is done. */
  | { readonly kind: "signed-out" }
  | { readonly kind: "saying-bye"; readonly ref: Ref };

/** Which notices the client is told. */
export type Delivery =
  /** Notices wait until the client was told what it missed. */
  | { readonly kind: "catching-up"; readonly early: Early; readonly told: Told }
  | { readonly kind: "flowing"; readonly told: Told }
  /** Notices were missed that the client cannot be told of: it hears no more, and has to leave. */
  | { readonly kind: "severed" };

export interface SessionState {
  readonly traits: Traits;
  readonly settings: SessionSettings;
  readonly transport: Transport;
  readonly service: Service;
  readonly name: NameClaim;
  readonly request: RequestState;
  readonly delivery: Delivery;
  /** Whether the client may come back under the same name: then the name is not given back at once. */
  readonly comeback: "expected" | "none";
  readonly bucket: TokenBucket;
  /** Bad or refused frames in a row. */
  readonly strikes: number;
}

export function newState(traits: Traits, settings: SessionSettings, nowMs: number): SessionState {
  return {
    traits,
    settings,
    transport: { kind: "upgrading", ending: undefined },
    service: { kind: "serving" },
    name: { kind: "none" },
    request: { kind: "fresh" },
    delivery: traits.catchesUp
      ? { kind: "catching-up", early: nothingEarly, told: new Map() }
      : { kind: "flowing", told: new Map() },
    comeback: traits.lingers ? "expected" : "none",
    bucket: fullBucket(settings.requestsPerSecond, nowMs),
    strikes: 0,
  };
}
