/** Each invariant over a state, broken once: so each says something. */
import { expect, test } from "vitest";
import { INVARIANTS, brokenInvariants } from "#tertulia/session/invariants.js";
import { newState, type SessionState } from "#tertulia/session/state.js";
import { BYTES, JSON_TRAITS, SETTINGS, ana, at, send } from "./cell-samples.js";

const had = { name: ana, at, status: "active" } as const;
const ending = { by: "node", why: "restarting" } as const;
const sound: SessionState = {
  ...newState(BYTES, SETTINGS),
  transport: { kind: "open", ending: undefined },
  name: { kind: "held", ...had },
  request: { kind: "idle" },
};

const BROKEN: Readonly<Record<string, Partial<SessionState>>> = {
  S1: { name: { kind: "claiming", name: ana, isAgain: false } },
  S2: { name: { kind: "none" }, request: { kind: "executing", command: send, ref: 4 } },
  S3: { service: { kind: "over" } },
  S4: { service: { kind: "releasing" } },
  S5: { transport: { kind: "peer-closing", ending } },
  S6: { traits: JSON_TRAITS, delivery: { kind: "severed" } },
  S7: { name: { kind: "lost", ...had } },
  S8: { request: { kind: "waiting", command: send, ref: 4 } },
  S9: { request: { kind: "signed-out" }, service: { kind: "fenced" } },
  S10: { request: { kind: "broken" } },
};

test("a sound session breaks none", () => {
  expect(brokenInvariants(sound)).toEqual([]);
});

test.each(Object.entries(BROKEN))("%s can be broken, by itself", (id, changes) => {
  expect(brokenInvariants({ ...sound, ...changes }).map((each) => each.split(":")[0])).toEqual([
    id,
  ]);
});

test("each invariant has its case", () => {
  expect(Object.keys(BROKEN)).toEqual(INVARIANTS.map(({ id }) => id));
});
