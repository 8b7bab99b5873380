/** The chat applies the policy before it asks a store, for every actor. */
import { expect, test } from "vitest";
import { Chat } from "#tertulia/chat/chat.js";
import { GENERAL, conversationOf, parseAddress } from "#tertulia/chat/conversation.js";
import type { Command } from "#tertulia/chat/commands.js";
import type { UserRecords } from "#tertulia/chat/own-data.js";
import type { ConnectedStatus, Name } from "#tertulia/chat/names.js";
import {
  MAX_DEVICES,
  MAX_PAGE,
  createPolicy,
  type Actor,
  type Policy,
} from "#tertulia/chat/policy.js";
import type { BlockStore, ConversationStore, UserStore } from "#tertulia/chat/ports.js";
import type { ModerationStore } from "#tertulia/chat/sanctions.js";
import { OPEN } from "#tertulia/identity/open.js";

const session = {
  kind: "session",
  name: "ana" as Name,
  id: "session-1",
  isLive: true,
  tenureMs: 7,
  formerMs: 3,
} as const;
const bot = { kind: "bot", name: "clock" as Name } as const;
const operator = { kind: "operator" } as const;
const toBob = parseAddress("@bob")!;
const text = Buffer.from("hi");

/** A chat whose stores write down what they are asked, and answer what one needs to go on. */
function chatWith({
  connected = 2,
  status,
  policy = createPolicy({ textMaxChars: 5, privateHistory: "tenure" }),
}: { connected?: number; status?: ConnectedStatus; policy?: Policy } = {}): {
  chat: Chat;
  asked: [string, ...unknown[]][];
} {
  const asked: [string, ...unknown[]][] = [];
  const answers: Record<string, unknown> = {
    user: { name: "bob", status: "disconnected", owner: "kept" },
    append: { seq: 1, epoch: 1, time: 1, repeated: false },
    setStatus: { outcome: "changed", at: { generation: 1, offset: 2 } },
    claim: { outcome: "new", at: { generation: 1, offset: 1 } },
    conversations: [
      { conversation: GENERAL },
      { conversation: conversationOf(toBob, session.name) },
    ],
  };
  const store = new Proxy(
    {} as UserStore & ConversationStore & ModerationStore & BlockStore & UserRecords,
    {
      get:
        (_, method: string) =>
        (...args: unknown[]) => {
          asked.push([method, ...args]);
          return Promise.resolve(answers[method]);
        },
    },
  );
  const chat = new Chat({
    users: store,
    conversations: store,
    policy,
    newMessageId: () => "m-1",
    presence: { count: connected, statusOf: () => status },
    identity: OPEN,
    sanctions: { banOf: () => undefined, muteOf: () => undefined },
    moderation: store,
    blocks: store,
    records: store,
    roster: {
      list: async () => [],
      hear: ({ user, at }) => void asked.push(["hear", user.name, user.status, at.offset]),
    },
    typing: { mayTell: () => true },
  });
  return { chat, asked };
}

test("a command that the policy refuses reaches no store", async () => {
  const { chat, asked } = chatWith();
  const refused = async (actor: Actor, command: Parameters<Chat["execute"]>[1]): Promise<unknown> =>
    chat.execute(actor, command);
  expect(await refused({ kind: "stranger" }, { type: "list" })).toEqual({
    type: "refused",
    refusal: "not_registered",
  });
  expect(await refused(operator, { type: "send", to: GENERAL, text })).toMatchObject({
    refusal: "forbidden",
  });
  expect(await refused(operator, { type: "page", of: toBob, range: {} as never })).toMatchObject({
    refusal: "forbidden",
  });
  const long = { type: "send", to: toBob, text, written: "123456" } as const;
  expect(await refused(session, long)).toEqual({ type: "refused", refusal: "too_large", limit: 5 });
  expect(asked).toEqual([]);
});

/** A policy that refuses some commands, and asks `createPolicy`'s for the others. */
function refusing(...types: Command["type"][]): Policy {
  const policy = createPolicy({ textMaxChars: 5, privateHistory: "tenure" });
  const may: Policy["may"] = (actor, command, facts) =>
    types.includes(command.type) ? "forbidden" : policy.may(actor, command, facts);
  return { ...policy, may };
}

test("a name is claimed only if the policy lets a stranger register", async () => {
  const begun: string[] = [];
  const begin = () => {
    begun.push("begun");
    return session;
  };
  const refused = chatWith({ policy: refusing("register") });
  expect(await refused.chat.join({ name: session.name }, begin)).toEqual({
    outcome: "refused",
    refusal: "forbidden",
  });
  expect(refused.chat.mayJoin(session.name)).toBe("forbidden");
  expect([begun, refused.asked]).toEqual([[], []]);

  const { chat, asked } = chatWith();
  const hidden = { name: session.name, written: "ana\u200d" };
  expect(await chat.join(hidden, begin)).toEqual({ outcome: "refused", refusal: "bad_name" });
  expect([begun, asked]).toEqual([[], []]);
  expect(await chat.join({ name: session.name }, begin)).toMatchObject({ outcome: "new" });
  expect([begun, asked]).toEqual([
    ["begun"],
    [
      ["claim", session, MAX_DEVICES],
      ["hear", "ana", "active", 1],
    ],
  ]);
});

test("whoever has joined claims the name again, whatever the policy says by now", async () => {
  const { chat, asked } = chatWith({ policy: refusing("register") });
  expect(await chat.reclaim(session)).toMatchObject({ outcome: "new" });
  expect(asked).toEqual([["claim", session, MAX_DEVICES]]);
});

test("a user is told only of the conversations that the policy lets it read", async () => {
  const policy = createPolicy({ textMaxChars: 5, privateHistory: "tenure" });
  const may: Policy["may"] = (actor, command, facts) =>
    "of" in command && command.of.kind === "direct"
      ? "forbidden"
      : policy.may(actor, command, facts);
  for (const [by, kinds] of [
    [policy, ["general", "direct"]],
    [{ ...policy, may }, ["general"]],
    [refusing("history"), []],
  ] as const) {
    const { chat } = chatWith({ policy: by });
    const told = await chat.conversations(session, () => true);
    expect(told.map(({ conversation }) => conversation.kind)).toEqual(kinds);
  }
});

test("a message to a user who is known to be connected looks nobody up", async () => {
  for (const status of ["active", "busy", "inactive"] as const) {
    const { chat, asked } = chatWith({ status });
    const stored = await chat.execute(session, { type: "send", to: toBob, text });
    expect(stored).toMatchObject({ type: "stored" });
    const empty = { type: "send", to: toBob, text: Buffer.alloc(0) } as const;
    expect(await chat.execute(session, empty)).toMatchObject({ refusal: "empty_message" });
    expect(asked.map(([method]) => method)).toEqual(["append"]);
  }
});

test("a message to an absent user looks the user up once, and is stored only if it may wait", async () => {
  const { chat, asked } = chatWith();
  const command = { type: "send", to: toBob, text } as const;
  expect(await chat.execute(session, command)).toMatchObject({ refusal: "recipient_disconnected" });
  expect(asked.splice(0)).toEqual([["user", "bob"]]);
  expect(await chat.execute(session, { ...command, mayWait: true })).toMatchObject({
    type: "stored",
    message: { mid: "m-1", seq: 1, conversation: { between: ["ana", "bob"] } },
  });
  expect(asked.map(([method]) => method)).toEqual(["user", "append"]);
});

test("a bot speaks in its name, and is not present", async () => {
  const { chat, asked } = chatWith();
  expect(await chat.execute(bot, { type: "send", to: GENERAL, text })).toMatchObject({
    type: "stored",
  });
  expect(asked).toMatchObject([["append", { author: { name: "clock" }, conversation: GENERAL }]]);
  expect(await chat.execute(bot, { type: "status", status: "busy" })).toMatchObject({
    refusal: "forbidden",
  });
});

test("an operator reads the general chat", async () => {
  const { chat, asked } = chatWith();
  await chat.execute(operator, { type: "history", of: GENERAL });
  expect(asked).toMatchObject([["history", GENERAL, 255, 0]]);
});

test("a page is never longer than a page", async () => {
  const { chat, asked } = chatWith();
  const range = { direction: "after", seq: 0, limit: 9_999 } as const;
  await chat.execute(session, { type: "page", of: GENERAL, range });
  expect(asked).toEqual([["page", GENERAL, { ...range, limit: MAX_PAGE }, 0]]);
});

test("typing in a crowd is accepted, and told to nobody", async () => {
  for (const [connected, told] of [
    [200, 1],
    [201, 0],
  ] as const) {
    const { chat, asked } = chatWith({ connected });
    const reply = await chat.execute(session, { type: "typing", to: GENERAL });
    expect([reply, asked.length]).toEqual([{ type: "accepted" }, told]);
  }
});
