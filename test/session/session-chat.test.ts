/** What SessionChat makes of the chat's answers to several commands that are under way. */
import { expect, test } from "vitest";
import type { Reply } from "#tertulia/chat/commands.js";
import { Unavailable } from "#tertulia/chat/ports.js";
import { SessionChat } from "#tertulia/gateway/session-chat.js";
import type { Session, SessionDependencies } from "#tertulia/gateway/session.js";
import type { Input } from "#tertulia/session/inputs.js";
import { list, send } from "./cell-samples.js";

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

interface Asked {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: Error) => void;
}

/** A chat that answers when it is told to, and what the machine gets. */
function made(): { chat: SessionChat; asked: Asked[]; put: Input[] } {
  const asked: Asked[] = [];
  const put: Input[] = [];
  const execute = (): Promise<Reply> =>
    new Promise((resolve, reject) => asked.push({ resolve, reject }));
  const log = { warn: () => {}, error: () => {} };
  const dependencies = { chat: { execute }, observe: { log } } as unknown as SessionDependencies;
  const session = { holder: { id: "h" } } as unknown as Session;
  return {
    chat: new SessionChat(session, dependencies, { put: (each) => put.push(each) }),
    asked,
    put,
  };
}

const refused = (refusal: "too_large" | "not_registered"): Reply => ({ type: "refused", refusal });

test("answers come in the order of the commands, in whatever order the chat gives them", async () => {
  const { chat, asked, put } = made();
  for (const command of [send, send, send, list]) chat.run({ type: "execute", command });
  asked[3]!.resolve(refused("not_registered"));
  asked[1]!.reject(new Unavailable("planted"));
  await nextTurn();
  expect(put).toEqual([]);
  asked[0]!.resolve(refused("too_large"));
  await nextTurn();
  expect(put).toEqual([
    { type: "answered", reply: refused("too_large") },
    { type: "failed", why: "unavailable" },
  ]);
  asked[2]!.reject(new Error("planted"));
  await nextTurn();
  expect(put.slice(2)).toEqual([
    { type: "failed", why: "bug" },
    { type: "answered", reply: refused("not_registered") },
  ]);
});

test("a command that is asked when all others are answered does not wait", async () => {
  const { chat, asked, put } = made();
  for (let i = 0; i < 2; i++) {
    chat.run({ type: "execute", command: send });
    asked[i]!.resolve(refused("too_large"));
    await nextTurn();
    expect(put).toHaveLength(i + 1);
  }
});
