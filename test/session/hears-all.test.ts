/** Which sessions share a broadcast: those that get every notice for everybody as it comes. */
import { expect, test } from "vitest";
import { comparesGeneral, hearsAll, routeOf } from "#tertulia/session/delivery.js";
import { isCorked } from "#tertulia/session/questions.js";
import type { SessionState } from "#tertulia/session/state.js";
import { CONTEXTS, STATES, general } from "./cell-samples.js";
import { INPUTS } from "./input-samples.js";

/** For everybody, and not about the session's own user. */
const NOTICES = INPUTS.notice
  .map(({ notice }) => notice)
  .filter((notice) => {
    switch (notice.type) {
      case "message":
        return notice.message.conversation.kind === general.kind;
      case "presence":
        return notice.user.name === "bob";
      case "typing":
        return notice.author === "bob";
      default:
        return false;
    }
  });

test("to a session that hears all, every notice for everybody is pushed, and nothing is held back", () => {
  let count = 0;
  for (const state of allStates()) {
    if (!hearsAll(state)) continue;
    count++;
    expect(isCorked(state)).toBe(false);
    for (const notice of NOTICES) {
      if (notice.type === "message" && comparesGeneral(state)) continue;
      expect(routeOf(state, notice), notice.type).toBe("push");
    }
  }
  expect(NOTICES.length).toBeGreaterThan(3);
  expect(count).toBeGreaterThan(10);
});

test("a session that was told of the general chat compares its next message; of other conversations it does not", () => {
  const told = { epoch: 1, seq: 3 };
  const [, usual] = CONTEXTS[0]!;
  const state = (kind: "flowing" | "catching-up", key: string): SessionState => ({
    ...usual,
    transport: { kind: "open", ending: undefined },
    delivery: { kind, told: new Map([[key, told]]), early: { bytes: 0, newest: undefined } },
  });
  expect(comparesGeneral(state("flowing", "~"))).toBe(true);
  expect(comparesGeneral(state("flowing", "@ana\nbob"))).toBe(false);
  expect(comparesGeneral(state("catching-up", "~"))).toBe(false);
});

function* allStates(): Generator<SessionState> {
  for (const [, usual] of CONTEXTS)
    for (const delivery of STATES.delivery)
      for (const transport of STATES.transport)
        for (const name of STATES.name)
          for (const request of STATES.request)
            yield { ...usual, delivery, transport, name, request } as SessionState;
}
