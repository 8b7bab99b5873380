/** Membership as a state machine: every cell (membership-cells.txt; `RECORD=1` writes it anew), and its invariants. */
import { readFile, writeFile } from "node:fs/promises";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  nextMembership,
  type MembershipInput,
  type MembershipState,
} from "#tertulia/cluster/membership-state.js";

const renewed = {
  type: "renewed",
  isOverdue: false,
  isNewGeneration: false,
  isOlder: false,
} as const;

const INPUTS: Record<string, MembershipInput> = {
  joined: { type: "joined" },
  lost: { type: "lost" },
  renewed,
  "renewed, overdue": { ...renewed, isOverdue: true },
  "renewed, new generation": { ...renewed, isNewGeneration: true },
  "renewed, older data": { ...renewed, isOlder: true },
  claimed: { type: "claimed" },
  claimFailed: { type: "claimFailed" },
  close: { type: "close" },
};

const claiming = (name: "confirming" | "rejoining"): MembershipState[] => [
  { name, claims: { status: "due" }, mayBeOlder: false },
  { name, claims: { status: "running", mayBeOlder: true }, mayBeOlder: false },
  { name, claims: { status: "outdated", mayBeOlder: false }, mayBeOlder: false },
];

const STATES: MembershipState[] = [
  { name: "joining" },
  { name: "member", mayBeOlder: false },
  { name: "member", mayBeOlder: true },
  ...claiming("confirming"),
  ...claiming("rejoining"),
  { name: "left" },
];

function written(state: MembershipState): string {
  const words: string[] = [state.name];
  if ("claims" in state) {
    words.push(`claims ${state.claims.status}`);
    if ("mayBeOlder" in state.claims && state.claims.mayBeOlder) words.push("told of older data");
  }
  if ("mayBeOlder" in state && state.mayBeOlder) words.push("data may be older");
  return words.join(", ");
}

test("every state takes every input", async () => {
  const played = STATES.map((state) => {
    const cells = Object.entries(INPUTS).map(([name, input]) => {
      const { state: next, claim } = nextMembership(state, input);
      const told = claim?.mayBeOlder === true ? " of data that may be older" : "";
      return `  ${name}: ${written(next)}${claim ? `; claim${told}` : ""}`;
    });
    return `${[written(state), ...cells].join("\n")}\n`;
  }).join("\n");
  const file = new URL("membership-cells.txt", import.meta.url);
  if (process.env["RECORD"] === "1") await writeFile(file, played);
  else expect(played).toBe(await readFile(file, "utf8"));
});

test("no member with claims that are older than their reason, never two claims at a time, older data is told", () => {
  const happening = fc.constantFrom(...Object.keys(INPUTS).filter((name) => name !== "close"));
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 40 }), (happenings) => {
      let { state } = nextMembership({ name: "joining" }, { type: "joined" });
      /** What must have happened for it to be a member; and what claims under way were told. */
      let mustClaim = false;
      let isUntold = false;
      let running: { covers: boolean; told: boolean } | undefined;
      for (const name of happenings) {
        const input = INPUTS[name]!;
        const isAnswer = input.type === "claimed" || input.type === "claimFailed";
        if (isAnswer && running === undefined) continue;
        const step = nextMembership(state, input);
        ({ state } = step);
        if (input.type === "lost" || (input.type === "renewed" && input.isOverdue)) {
          mustClaim = true;
          if (running) running.covers = false;
        }
        if (input.type === "renewed" && (input.isNewGeneration || input.isOlder)) isUntold = true;
        if (isAnswer) {
          if (input.type === "claimed" && running!.covers) mustClaim = false;
          if (input.type === "claimFailed" && running!.told) isUntold = true;
          running = undefined;
        }
        if (step.claim) {
          expect(running, "claims are under way").toBeUndefined();
          expect(step.claim.mayBeOlder).toBe(isUntold);
          running = { covers: true, told: isUntold };
          isUntold = false;
        }
        if (state.name === "member" || state.name === "confirming") {
          expect(mustClaim, `a member after ${name}`).toBe(false);
        }
      }
      // then all goes well
      for (let beat = 0; beat < 4 && state.name !== "member"; beat++) {
        ({ state } = nextMembership(state, renewed));
        ({ state } = nextMembership(state, { type: "claimed" }));
      }
      expect(state.name).toBe("member");
    }),
  );
});
