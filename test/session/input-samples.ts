/** Samples of every input of a session. */
import type { Notice } from "#tertulia/chat/events.js";
import type { Page } from "#tertulia/chat/history.js";
import type { Input, InputOf } from "#tertulia/session/inputs.js";
import type { Decoded, Request } from "#tertulia/session/requests.js";
import {
  ana,
  at,
  bob,
  general,
  hello,
  list,
  logIn,
  message,
  resumedAt,
  send,
  signOut,
} from "./cell-samples.js";

const asked: readonly Request[] = [
  { type: "command", command: list },
  { type: "command", command: send },
  { type: "command", command: { type: "typing", to: general } },
  { type: "command", command: signOut },
  { type: "command", command: { type: "status", name: bob, status: "busy" } },
  { type: "register", name: ana },
  { type: "register", name: bob },
  hello,
  { type: "follow", watch: [bob] },
  { type: "follow", watch: undefined },
  { type: "log-in", asked: logIn },
  { type: "ping" },
  { type: "bye" },
  { type: "invalid", answer: new Uint8Array(2) },
];
const decoded: readonly Decoded[] = [
  ...asked.map((request) => ({ kind: "request", request, ref: 1 }) as const),
  { kind: "refused", refusal: "bad_status", ref: 3 },
  { kind: "bad", why: "bad_frame", answer: new Uint8Array(2) },
  { kind: "ignored", why: "unknown_op" },
];

const gap = { type: "gap", bucket: 0, after: at, reason: "trimmed" } as const;
const later = { generation: 1, offset: 2 };
const notices: readonly Notice[] = [
  { type: "message", at: later, message: message(3) },
  { type: "message", at: later, message: message(3, 2) },
  { type: "message", at: later, message: message(4) },
  { type: "presence", at, user: { name: ana, status: "busy" }, cause: "asked" },
  { type: "presence", at: later, user: { name: ana, status: "inactive" }, cause: "idle" },
  { type: "presence", at: later, user: { name: ana, status: "disconnected" }, cause: "left" },
  { type: "presence", at: later, user: { name: bob, status: "active" }, cause: "new" },
  { type: "typing", author: ana, conversation: general },
  { type: "typing", author: bob, conversation: general },
  { ...gap, hasMissed: true },
  { ...gap, hasMissed: false },
];

const timers = ["settle", "hello", "patience", "doubt", "answer", "farewell", "goodbye"] as const;
const outcomes = [
  "new",
  "joined",
  "taken",
  "kept",
  "bad_name",
  "bad_credentials",
  "unavailable",
  "bug",
] as const;

/** Of every input, what it may say. */
export const INPUTS: { readonly [Type in Input["type"]]: readonly InputOf<Type>[] } = {
  upgraded: [{ type: "upgraded" }],
  closeReceived: [
    { type: "closeReceived", code: 1000 },
    { type: "closeReceived", code: 1001 },
  ],
  socketFailed: [{ type: "socketFailed", why: "reset" }],
  socketClosed: [{ type: "socketClosed" }, { type: "socketClosed", code: 1000 }],
  slow: [{ type: "slow" }],
  broken: [{ type: "broken" }],
  frame: [
    { type: "frame" },
    { type: "frame", tooFastMs: 7 },
    { type: "frame", tooFastMs: 7, isForgiven: true },
  ],
  decoded: decoded.map((each) => ({ type: "decoded", decoded: each })),
  drained: [{ type: "drained" }],
  claim: [{ type: "claim", name: ana, claimant: { type: "handshake" } }],
  leave: [{ type: "leave" }],
  abandon: [{ type: "abandon" }],
  goAway: [{ type: "goAway", inMs: 10 }],
  nudge: [{ type: "nudge" }],
  suspend: [{ type: "suspend" }],
  reclaim: [{ type: "reclaim", mayBeOlder: true }],
  notice: notices.map((notice) => ({ type: "notice", notice, frame: { length: 20 } })),
  claimAnswered: [
    { type: "claimAnswered", answer: { outcome: "new", at } },
    { type: "claimAnswered", answer: { outcome: "taken" } },
    { type: "claimAnswered", answer: { outcome: "kept" } },
    { type: "claimAnswered", answer: { outcome: "bad_name" } },
    { type: "claimAnswered", answer: { outcome: "unavailable" } },
  ],
  contestDecided: [
    { type: "contestDecided", mayBeFree: true },
    { type: "contestDecided", mayBeFree: false },
  ],
  reclaimAnswered: [
    {
      type: "reclaimAnswered",
      answer: { outcome: "kept", at: undefined },
      mayBeOlder: false,
      round: 0,
    },
    {
      type: "reclaimAnswered",
      answer: { outcome: "kept", at: later },
      mayBeOlder: false,
      round: 0,
    },
    { type: "reclaimAnswered", answer: { outcome: "taken" }, mayBeOlder: false, round: 0 },
    { type: "reclaimAnswered", answer: { outcome: "taken" }, mayBeOlder: true, round: 0 },
    { type: "reclaimAnswered", answer: { outcome: "unavailable" }, mayBeOlder: true, round: 0 },
    {
      type: "reclaimAnswered",
      answer: { outcome: "kept", at: later },
      mayBeOlder: false,
      round: -1,
    },
    { type: "reclaimAnswered", answer: { outcome: "taken" }, mayBeOlder: false, round: -1 },
  ],
  releaseAnswered: [
    { type: "releaseAnswered", isReleased: true },
    { type: "releaseAnswered", isReleased: false },
  ],
  answered: [
    { type: "answered", reply: { type: "accepted" } },
    { type: "answered", reply: { type: "user", user: { name: ana, status: "active" } } },
    { type: "answered", reply: { type: "refused", refusal: "forbidden" } },
  ],
  failed: [
    { type: "failed", why: "unavailable" },
    { type: "failed", why: "bug" },
  ],
  resumed: [
    { type: "resumed", conversations: [resumedAt(3)] },
    { type: "resumed", conversations: [resumedAt(5)] },
  ],
  pageRead: [
    { type: "pageRead", page: page(4, 5) },
    { type: "pageRead", page: page(5) },
    { type: "pageRead", page: page() },
  ],
  pageTold: [{ type: "pageTold" }],
  timer: timers.map((timer) => ({ type: "timer", timer })),
  close: [
    { type: "close", why: "restarting" },
    { type: "close", why: "revoked" },
  ],
  cut: [{ type: "cut", why: "silent" }],
  claimSettled: outcomes.map((outcome) => ({ type: "claimSettled", outcome })),
  sure: [{ type: "sure" }],
  lost: [{ type: "lost" }],
  fence: [{ type: "fence" }],
  release: [{ type: "release" }],
  left: [
    { type: "left", isOut: true },
    { type: "left", isOut: false },
  ],
  finished: [{ type: "finished" }],
  signedOut: [{ type: "signedOut" }],
  heardOfSignOut: [{ type: "heardOfSignOut" }],
  farewell: [{ type: "farewell" }],
  forget: [{ type: "forget" }],
  caughtUp: [{ type: "caughtUp" }],
};

function page(...seqs: number[]): Page {
  return {
    epoch: 1,
    head: 5,
    floor: 1,
    time: 1,
    messages: seqs.map((seq) => message(seq)),
    more: false,
    epochThere: 1,
    hasEpoch: true,
  };
}
