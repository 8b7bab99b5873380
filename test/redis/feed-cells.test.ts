/** Every state of the feed with every input: test/redis/feed-cells.txt. `RECORD=1` writes it down anew. */
import { readFile, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import {
  UNKNOWN,
  type BucketState,
  type Effect,
  type Input,
} from "#tertulia/redis/feed/bucket-state.js";
import { nextSubscription, type SubscriptionInput } from "#tertulia/redis/feed/subscription.js";
import { transition } from "#tertulia/redis/feed/transition.js";
import { position, positions } from "../support/feed-transcript.js";

const error = new Error("no answer");
const lineageWith = (head: string) => ({ head: position(head), ends: new Map([[0, 0]]) });
const page = positions(["10-5..10-7"]).map((at) => ({ at, event: Buffer.alloc(0) }));

/** One of each. */
const INPUTS: Record<Input["type"], Input> = {
  start: { type: "start" },
  heard: { type: "heard", at: position("10-6") },
  compared: { type: "compared", head: position("20-0") },
  catchUp: { type: "catchUp" },
  resubscribed: { type: "resubscribed" },
  replaced: { type: "replaced" },
  close: { type: "close" },
  pageRead: { type: "pageRead", page },
  lineageRead: { type: "lineageRead", lineage: lineageWith("10-9") },
  oldestRead: { type: "oldestRead", oldest: position("10-2") },
  readFailed: { type: "readFailed", error },
};

function after(...inputs: Input[]): BucketState {
  return inputs.reduce<BucketState>((state, input) => transition(state, input).state, UNKNOWN);
}

const { start, close, lineageRead } = INPUTS;
const begin: Input[] = [start, { type: "lineageRead", lineage: lineageWith("10-5") }];
const gap: Input = { type: "heard", at: position("10-9") };
/** The log begins behind the cursor. */
const broken: Input = { type: "pageRead", page: page.slice(2) };

const STATES: Record<string, BucketState> = {
  unknown: UNKNOWN,
  starting: after(start),
  following: after(...begin),
  "filling, page": after(...begin, gap),
  "filling, lineage": after(...begin, gap, broken),
  "filling, pageAgain": after(...begin, gap, broken, lineageRead),
  "filling, oldest": after(...begin, gap, broken, lineageRead, broken),
  closed: after(...begin, close),
};

function nameOf(state: BucketState): string {
  if (state.name !== "filling") return state.name;
  const { reading, cause, next } = state.fill;
  return `filling, ${reading.what} (${cause}, then ${next})`;
}

function effectOf(effect: Effect): string {
  return effect.type === "read" ? `read ${effect.what}` : effect.type;
}

function cell(state: BucketState, input: Input): string {
  try {
    const { state: next, effects } = transition(state, input);
    return [nameOf(next), ...effects.map(effectOf)].join("; ");
  } catch (failure) {
    return (failure as Error).message;
  }
}

test("every state of a bucket takes every input", async () => {
  const played = Object.entries(STATES)
    .map(([name, state]) => {
      const cells = Object.entries(INPUTS).map(([input, of]) => `  ${input}: ${cell(state, of)}`);
      return [name, ...cells].join("\n");
    })
    .join("\n\n");
  const file = new URL("feed-cells.txt", import.meta.url);
  if (process.env["RECORD"] === "1") await writeFile(file, `${played}\n`);
  else expect(`${played}\n`).toBe(await readFile(file, "utf8"));
});

test.each<[SubscriptionInput[], string]>([
  [["connected", "subscribed"], "subscribed, none"],
  [["connected", "lost", "refused", "unheard"], "new, none"],
  [["subscribed", "lost"], "away, none"],
  [["subscribed", "unheard"], "away, reconnect"],
  [["subscribed", "unheard", "unheard"], "away, none"],
  [["subscribed", "subscribed"], "subscribed, none"],
  [["subscribed", "refused"], "subscribed, none"],
  [["subscribed", "connected"], "subscribing, subscribe"],
  [["subscribed", "lost", "connected"], "subscribing, subscribe"],
  [["subscribed", "lost", "subscribed"], "away, none"],
  [["subscribed", "lost", "refused"], "away, none"],
  [["subscribed", "lost", "lost"], "away, none"],
  [["subscribed", "lost", "connected", "subscribed"], "subscribed, resume"],
  [["subscribed", "lost", "connected", "refused"], "away, reconnect"],
  [["subscribed", "lost", "connected", "unheard"], "subscribing, none"],
  [["subscribed", "lost", "connected", "lost"], "away, none"],
  [["subscribed", "lost", "connected", "connected"], "subscribing, subscribe"],
  [["close", "connected"], "closed, none"],
  [["subscribed", "close", "subscribed"], "closed, none"],
  [["subscribed", "lost", "close", "lost"], "closed, none"],
  [["subscribed", "lost", "connected", "close", "refused"], "closed, none"],
  [["close", "unheard"], "closed, none"],
  [["close", "close"], "closed, none"],
])("the subscription after %j is %s", (inputs, expected) => {
  const [state, effect] = inputs.reduce<ReturnType<typeof nextSubscription>>(
    ([before], input) => nextSubscription(before, input),
    ["new", "none"],
  );
  expect(`${state}, ${effect}`).toBe(expected);
});
