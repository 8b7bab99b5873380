/** Where a session refuses by itself, at once, the policy's answer is the same. */
import { describe, expect, test } from "vitest";
import type { Command } from "#tertulia/chat/commands.js";
import { STRANGER, createPolicy, type SessionActor } from "#tertulia/chat/policy.js";
import { claimed, decoded } from "#tertulia/session/carry-out.js";
import type { Output, Request } from "#tertulia/session/requests.js";
import { newState, type SessionState } from "#tertulia/session/state.js";
import type { Step } from "#tertulia/session/table.js";
import { dialects } from "../support/dialects.js";
import { SETTINGS, ana, at, bob, general } from "./cell-samples.js";

const policy = createPolicy({ textMaxChars: 20, privateHistory: "name" });
const range = { direction: "before", seq: 9, limit: 50 } as const;

/** One of each kind: the compiler asks for a new one. */
const commands: { readonly [Type in Command["type"]]: Extract<Command, { type: Type }> } = {
  register: { type: "register", name: ana },
  list: { type: "list" },
  lookup: { type: "lookup", name: bob },
  status: { type: "status", status: "busy" },
  send: { type: "send", to: general, text: new Uint8Array(3) },
  history: { type: "history", of: general },
  page: { type: "page", of: general, range },
  read: { type: "read", of: general, seq: 1 },
  typing: { type: "typing", to: general },
  remove: { type: "remove", of: general, seq: 1 },
  password: { type: "password", old: new Uint8Array(8), next: new Uint8Array(8) },
  logins: { type: "logins", ended: undefined },
  moderate: { type: "moderate", act: "kick", target: { kind: "name", name: bob }, reason: "" },
  sanctions: { type: "sanctions" },
  block: { type: "block", user: bob, off: false },
  blocks: { type: "blocks" },
  audit: { type: "audit", limit: 1 },
  refresh: { type: "refresh", token: "a.b.c" },
  unregister: { type: "unregister", erase: false },
  export: { type: "export" },
};

describe.each(Object.entries(dialects))("%s", (_, { make }) => {
  const nameless = newState(make().traits, SETTINGS);
  const named: SessionState = {
    ...nameless,
    name: { kind: "held", name: ana, at, status: "busy" },
  };

  test("a session without a name refuses what the policy refuses a stranger", () => {
    for (const command of Object.values(commands)) {
      expect([command.type, refusalOf(command, nameless)]).toEqual([
        command.type,
        policy.may(STRANGER, command),
      ]);
    }
  });

  test("a session with a name may register that name only, as the policy says", () => {
    const since = { tenureMs: 0, formerMs: 0 };
    const actor: SessionActor = { kind: "session", name: ana, id: "s", isLive: true, ...since };
    for (const name of [ana, bob]) {
      const register = { type: "register", name } as const;
      expect(refusalOf(register, named)).toEqual(policy.may(actor, register));
    }
  });

  test("whatever the policy refuses a claim with is the answer", () => {
    for (const refusal of ["bad_name", "forbidden"] as const) {
      const step = claimed({ type: "register", name: ana, ref: 10 }, refusal);
      expect(refusalIn(step)).toBe(refusal);
    }
  });
});

function refusalOf(command: Command, state: SessionState): string | undefined {
  const request: Request = command.type === "register" ? command : { type: "command", command };
  return refusalIn(decoded({ kind: "request", request, ref: 1 }, state));
}

function refusalIn({ effects = [] }: Step<unknown>): string | undefined {
  const outputs = effects.flatMap((effect): Output[] =>
    effect.type === "send" ? [effect.output] : [],
  );
  const [refused] = outputs.flatMap((output) =>
    output.type === "reply" && output.reply.type === "refused" ? [output.reply.refusal] : [],
  );
  return refused;
}
