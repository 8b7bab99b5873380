/** Samples for the tables: of every state, and of what may be different around it. */
import type { Message } from "#tertulia/chat/events.js";
import type { Name } from "#tertulia/chat/names.js";
import { comebackTable } from "#tertulia/session/comeback.js";
import { deliveryTable } from "#tertulia/session/delivery.js";
import type { Input } from "#tertulia/session/inputs.js";
import { nameTable } from "#tertulia/session/name.js";
import { requestTable } from "#tertulia/session/request.js";
import type { ChatCommand, Hello } from "#tertulia/session/requests.js";
import { serviceTable } from "#tertulia/session/service.js";
import {
  newState,
  type Comeback,
  type Delivery,
  type NameClaim,
  type RequestState,
  type Service,
  type SessionState,
  type Transport,
} from "#tertulia/session/state.js";
import type { Step } from "#tertulia/session/table.js";
import type { SessionSettings, Traits } from "#tertulia/session/traits.js";
import { transportTable } from "#tertulia/session/transport.js";
import { classicDialect } from "#tertulia/wire/classic.js";
import { jsonDialect } from "#tertulia/wire/json-dialect.js";
import { wsProtocolDialect } from "#tertulia/wire/ws-protocol.js";
import type { Resumed } from "#tertulia/session/resumed.js";

export type Region = "comeback" | "transport" | "service" | "name" | "request" | "delivery";
type AnyCell = (region: object, input: Input, state: SessionState) => Step<unknown>;
type AnyTable = Readonly<Record<string, Readonly<Record<string, AnyCell>>>>;

export const TABLES = {
  comeback: comebackTable,
  transport: transportTable,
  service: serviceTable,
  name: nameTable,
  request: requestTable,
  delivery: deliveryTable,
} as unknown as Readonly<Record<Region, AnyTable>>;

const options = { generalOrigin: "sender", replyMaxBytes: 4_096 } as const;
export const SETTINGS: SessionSettings = {
  mustAwaitStore: false,
  maxEarlyBytes: 100,
};
export const BYTES: Traits = classicDialect(options, wsProtocolDialect(options)).traits;
export const JSON_TRAITS: Traits = jsonDialect({
  node: "n",
  textMaxChars: 20,
  maxFrameBytes: 99,
  requestsPerSecond: 1,
}).traits;

export const ana = "ana" as Name;
export const bob = "bob" as Name;
export const at = { generation: 1, offset: 1 };
const had = { name: ana, at, status: "active" } as const;
export const general = { kind: "general" } as const;
export const logIn = {
  type: "log_in",
  name: ana,
  password: new Uint8Array(8),
} as const;
export const hello: Hello = { type: "hello", name: ana, written: "ana", cursors: {} };
export const list: ChatCommand = { type: "list" };
export const send: ChatCommand = { type: "send", to: general, text: new Uint8Array(3) };
export const signOut: ChatCommand = { type: "status", status: "disconnected" };

export function resumedAt(after: number): Resumed {
  const state = { conversation: general, epoch: 1, head: 5, floor: 1, time: 1, read: 0 };
  return { state, after, gaps: [] };
}

export function message(seq: number, epoch = 1): Message {
  return {
    conversation: general,
    epoch,
    seq,
    mid: `m${seq}`,
    author: bob,
    time: 1,
    text: new Uint8Array(1),
  };
}

const progress = { conversations: [resumedAt(3), resumedAt(5)], index: 0, from: 3, head: 5 };
const ending = { by: "node", why: "restarting" } as const;
const told = new Map([["~", { seq: 3, epoch: 1 }]]);

/** Everything but the region that is looked at. */
function around(traits: Traits, changes: Partial<SessionState> = {}): SessionState {
  return {
    ...newState(traits, SETTINGS),
    transport: { kind: "open", ending: undefined },
    name: { kind: "held", ...had },
    request: { kind: "idle" },
    ...changes,
  };
}

/** The first is the usual one; the others are told of where they make a difference. */
export const CONTEXTS: readonly (readonly [string, SessionState])[] = [
  ["bytes", around(BYTES)],
  ["JSON", around(JSON_TRAITS)],
  ["bytes, replicated", around(BYTES, { settings: { ...SETTINGS, mustAwaitStore: true } })],
  ["bytes, no name", around(BYTES, { name: { kind: "none" } })],
  ["JSON, no name", around(JSON_TRAITS, { name: { kind: "none" } })],
  ["bytes, in doubt", around(BYTES, { name: { kind: "doubted", ...had } })],
  ["bytes, fenced", around(BYTES, { service: { kind: "fenced" } })],
  [
    "bytes, signing out",
    around(BYTES, { request: { kind: "signing-out", command: signOut, ref: 3 } }),
  ],
  ["bytes, broken", around(BYTES, { request: { kind: "broken" } })],
  ["bytes, the client closes", around(BYTES, { transport: { kind: "peer-closing", ending } })],
  ["JSON, the client closes", around(JSON_TRAITS, { transport: { kind: "peer-closing", ending } })],
  ["bytes, the client is gone", around(BYTES, { transport: { kind: "closed", ending } })],
  ["JSON, the client is gone", around(JSON_TRAITS, { transport: { kind: "closed", ending } })],
  ["JSON, catching up", around(JSON_TRAITS, { request: { kind: "catching-up", progress } })],
  ["JSON, 99 strikes", around(JSON_TRAITS, { strikes: 99 })],
];

const comebacks: readonly Comeback[] = [{ kind: "expected" }, { kind: "none" }];

const transports: readonly Transport[] = [
  { kind: "upgrading", ending: undefined },
  { kind: "upgrading", ending },
  { kind: "upgrading", ending: { by: "loss", why: "cut" } },
  { kind: "settling", ending: undefined },
  { kind: "open", ending: undefined },
  { kind: "closing", ending },
  { kind: "peer-closing", ending: { by: "client", code: 1000 } },
  { kind: "both-closing", ending },
  { kind: "answered", ending },
  { kind: "closed", ending },
];

const services: readonly Service[] = [
  { kind: "serving" },
  { kind: "finishing", releases: true },
  { kind: "finishing", releases: false },
  { kind: "hurrying", releases: true },
  { kind: "fenced" },
  { kind: "releasing" },
  { kind: "finished" },
  { kind: "over" },
];

const names: readonly NameClaim[] = [
  { kind: "none" },
  { kind: "claiming", name: ana, isAgain: false },
  { kind: "claiming", name: ana, isAgain: true },
  { kind: "contesting", name: ana },
  { kind: "held", ...had },
  { kind: "doubted", ...had },
  { kind: "reclaiming", contestsLeft: undefined, ...had },
  { kind: "reclaiming", contestsLeft: 1, ...had },
  { kind: "reclaiming", contestsLeft: 0, ...had },
  { kind: "recontesting", contestsLeft: 3, ...had },
  { kind: "releasing", isSure: true, ...had },
  { kind: "releasing", isSure: false, ...had },
  { kind: "released", isSure: true, ...had },
  { kind: "lost", ...had },
];

const one = { command: send, ref: 4 };
const requests: readonly RequestState[] = [
  { kind: "fresh" },
  { kind: "idle" },
  { kind: "reading" },
  { kind: "waiting", command: send, ref: 4 },
  { kind: "executing", command: list, ref: 1 },
  { kind: "storing", pending: [one], tooFastMs: undefined },
  { kind: "storing", pending: [one, { command: send, ref: 2 }], tooFastMs: undefined },
  { kind: "storing", pending: [one], tooFastMs: 7 },
  { kind: "storing", pending: [one, { command: send, ref: 2 }], tooFastMs: 7 },
  { kind: "holding-back", command: send, ref: 4 },
  { kind: "registering", name: ana, ref: 10 },
  { kind: "claiming", claimant: { type: "handshake" } },
  { kind: "logging-in", asked: { type: "log_in", name: ana }, ref: 1 },
  { kind: "claiming", claimant: { type: "register", name: ana, ref: 10 } },
  { kind: "claiming", claimant: { type: "hello", hello, ref: 1 } },
  { kind: "claiming", claimant: { type: "hello", hello: { ...hello, status: "busy" }, ref: 1 } },
  { kind: "restoring-status", hello, ref: 1 },
  { kind: "resuming", ref: 1 },
  { kind: "catching-up", progress },
  { kind: "catching-up", progress: { ...progress, from: 5 } },
  { kind: "signing-out", command: signOut, ref: 3 },
  { kind: "signed-out" },
  { kind: "saying-bye", ref: 1 },
  { kind: "broken" },
];

const early = {
  bytes: 90,
  newest: {
    notice: { type: "message", at, message: message(4) },
    frame: { length: 90 },
    before: undefined,
  },
} as const;
const deliveries: readonly Delivery[] = [
  { kind: "catching-up", early: { bytes: 0, newest: undefined }, told },
  { kind: "catching-up", early, told },
  { kind: "catching-up", early, told: new Map([["~", { seq: 4, epoch: 0 }]]) },
  { kind: "flowing", told: new Map() },
  { kind: "flowing", told },
  { kind: "severed" },
];

export const STATES: Readonly<Record<Region, readonly { readonly kind: string }[]>> = {
  comeback: comebacks,
  transport: transports,
  service: services,
  name: names,
  request: requests,
  delivery: deliveries,
};
