/** Random histories: a client, a store and a feed that do what they like, but nothing that cannot happen. */
import type { History } from "./run-history.js";
import { RandomStore } from "./random-store.js";
import { Dice } from "./dice.js";

export const BYTE_FRAMES = [
  "1",
  '2 "bob"',
  '3 "ana" 2',
  "3 1",
  '3 "ana" 0',
  '3 "bob" 1',
  '4 "~" "elo"',
  '4 "~" "elo"',
  '4 "bob" "psst"',
  '5 "~"',
  "6",
  '10 "ana"',
  '10 "eva"',
  "99",
  "4",
];
export const JSON_FRAMES = [
  '{"type":"publish","id":1,"text":"elo"}',
  '{"type":"publish","id":2,"text":"elo"}',
  '{"type":"publish","id":3,"conv":"@bob","text":"psst"}',
  '{"type":"status","id":4,"status":"busy"}',
  '{"type":"user","id":5,"user":"bob"}',
  '{"type":"read","id":6,"conv":"~","seq":1}',
  '{"type":"typing","id":7,"conv":"@bob"}',
  '{"type":"presence","id":8}',
  '{"type":"presence","id":9,"off":true}',
  '{"type":"ping","id":10}',
  '{"type":"hello","id":11,"name":"ana"}',
  '{"type":"bye","id":12}',
  "nonsense",
];
const NODE_ACTS = [
  "restart",
  "evict",
  "close",
  "revoke",
  "abandon",
  "leave",
  "goaway 500",
  "there?",
];
const TIMES = ["+1ms", "+25ms", "+250ms", "+1s", "+2s", "+5s", "+10s"];

/** Who acts next, and how likely that is. */
const ACTORS = {
  store: 40,
  feed: 24,
  client: 22,
  clock: 8,
  doubt: 7,
  reader: 4,
  farewell: 2,
  node: 2,
} as const;

/** What waits for an answer waits again when it has one. */
const MOST_ROUNDS = 20;

/** Lets one history happen, until everything has come to its end. */
export async function happen(history: History, seed: number): Promise<void> {
  const dice = new Dice(seed);
  const isJson = dice.chance(0.5);
  const store = new RandomStore(dice);
  let isGone = false;
  let isStalled = false;
  const say = async (line: string): Promise<void> => {
    await history.step(line);
    isGone ||= line === "< end" || line === "< reset";
  };
  const answer = async (): Promise<boolean> => {
    const { pending } = history.gateway.stores;
    if (pending.length === 0) return false;
    await say(`= ${store.answerTo(dice.one(pending))}`);
    return true;
  };
  const act = async (actor: keyof typeof ACTORS): Promise<void> => {
    switch (actor) {
      case "store":
        return void (await answer());
      case "feed":
        return say(`* ${store.notice()}`);
      case "client":
        if (!isGone) await say(`< ${dice.one(isJson ? JSON_FRAMES : BYTE_FRAMES)}`);
        return;
      case "clock":
        return say(dice.one(TIMES));
      case "doubt":
        return say(dice.one(["suspend", "reclaim", "reclaim", "reclaim older"]));
      case "reader":
        isStalled = !isStalled;
        return say(isStalled ? "stall" : "take all");
      case "farewell":
        if (isGone) return;
        return say(dice.one(["< close 1000", "< close 1001", "< close", "< end", "< reset"]));
      case "node":
        return say(dice.one(NODE_ACTS));
      default:
        return actor satisfies never;
    }
  };

  await say(connection(dice, isJson));
  if (isJson && dice.chance(0.9)) await say(`< ${hello(dice)}`);
  for (let left = dice.upTo(50); left > 0; left--) await act(dice.weighted(ACTORS));
  await say("take all");
  if (!isGone) await say(dice.one(["< end", "< close 1000", "< reset"]));
  for (let round = 0; round < MOST_ROUNDS && !hasEnded(history); round++) {
    while (await answer());
    if (!isGone) await say("< end");
    await say("+11s");
  }
  while (await answer());
}

function hasEnded({ transcript }: History): boolean {
  return /^ {2}(@\d+ms )?ended$/m.test(transcript.toString());
}

function connection(dice: Dice, isJson: boolean): string {
  const words = isJson
    ? ["json", ...(dice.chance(0.3) ? ["?name=ana"] : [])]
    : dice.one([["classic", "?name=ana"], ["ws-protocol", "?name=ana"], ["ws-protocol"]]);
  if (!isJson && dice.chance(0.4)) words.push("replicated");
  if (dice.chance(0.15)) words.push(isJson ? "queue=500" : "queue=60");
  if (isJson && dice.chance(0.1)) words.push("rate=1");
  return `connect ${words.join(" ")}`;
}

function hello(dice: Dice): string {
  const resume = dice.chance(0.7) ? { resume: { "~": ["1", dice.upTo(4)] } } : {};
  const status = dice.chance(0.3) ? { status: "busy" } : {};
  return JSON.stringify({ type: "hello", name: "ana", ...status, ...resume });
}
