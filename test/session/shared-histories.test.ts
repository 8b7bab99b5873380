/**
 * A session that shares a broadcast is told the same, in the same order, as one that hears each notice by itself:
 * random histories in which many things happen within one window, with either.
 */
import { expect, test } from "vitest";
import { Dice } from "./dice.js";
import { connection, type Implementation } from "./implementation.js";
import { BYTE_FRAMES, JSON_FRAMES } from "./random-script.js";
import { RandomStore } from "./random-store.js";
import { History } from "./run-history.js";

const FIRST_SEED = Number(process.env["SEED"] ?? 1);
const HISTORIES = Number(process.env["RUNS"] ?? 200);
const MOMENTS = 40;

/** Who acts next, and how likely that is. */
const ACTORS = { feed: 60, client: 12, store: 12, clock: 6, reader: 3, doubt: 3, end: 0.3 };

/** How often a session began to share, and how many things happened within a window in which it shared. */
let shared = 0;

test(`${HISTORIES} sessions that share a broadcast are told the same as those that do not`, async () => {
  const different: string[] = [];
  for (let seed = FIRST_SEED; seed < FIRST_SEED + HISTORIES; seed++) {
    const [one, other] = [await transcriptOf(sharing, seed), await transcriptOf(apart, seed)];
    if (one !== other) different.push(`# seed ${seed}\n${firstDifference(one, other)}`);
  }
  expect(different).toEqual([]);
  expect(shared).toBeGreaterThan(3 * HISTORIES);
});

const sharing: Implementation = (...parts) => {
  const session = connection(...parts);
  const share: typeof session.share = (broadcast) => {
    const isShared = Object.getPrototypeOf(session).share.call(session, broadcast) as boolean;
    if (isShared) shared++;
    return isShared;
  };
  return Object.assign(session, { share });
};

const apart: Implementation = (...parts) =>
  Object.assign(connection(...parts), { share: () => false });

/** Of a slow reader only the frames that it gets: one that shares is cut at the end of the window, perhaps while it goes. */
async function transcriptOf(make: Implementation, seed: number): Promise<string> {
  const history = new History(make);
  const dice = new Dice(seed);
  const isSlow = dice.chance(0.3);
  try {
    await happen(history, dice, isSlow);
  } finally {
    await history.end();
  }
  const transcript = history.transcript.toString();
  return isSlow
    ? transcript.replaceAll(/^ {2}(?!(?:@\d+ms )?> (?!close|cut|end)).*\n/gm, "")
    : transcript;
}

async function happen(history: History, dice: Dice, isSlow: boolean): Promise<void> {
  const isJson = dice.chance(0.5);
  const store = new RandomStore(dice);
  const answers = (): string[] => {
    const { pending } = history.gateway.stores;
    return pending.length > 0 ? [`= ${store.answerTo(dice.one(pending))}`] : [];
  };
  const act = (actor: keyof typeof ACTORS): string[] => {
    switch (actor) {
      case "feed":
        return [`* ${dice.one([store.notice(), store.notice(), "typing bob ~", "typing ana ~"])}`];
      case "client":
        return [`< ${dice.one(isJson ? JSON_FRAMES : BYTE_FRAMES)}`];
      case "doubt":
        return [dice.one(["suspend", "reclaim", "reclaim"])];
      case "end":
        return [dice.one(["close", "evict", "restart", "< close 1000"])];
      case "reader":
      case "store":
      case "clock": // between two moments
        return [];
      default:
        return actor satisfies never;
    }
  };
  const protocol = isJson ? "json" : `${dice.one(["classic", "ws-protocol"])} ?name=ana`;
  const settings = [
    dice.chance(0.4) && "replicated",
    isSlow && (isJson ? "queue=500" : "queue=60"),
  ];
  await history.step(["connect", protocol, ...settings.filter(Boolean)].join(" "));
  const resume = dice.chance(0.5) ? { resume: { "~": ["1", dice.upTo(4)] } } : {};
  if (isJson) await history.step(`< ${JSON.stringify({ type: "hello", name: "ana", ...resume })}`);
  for (let i = 0; i < 6; i++) for (const answer of answers()) await history.step(answer);
  await history.step("+25ms");
  for (let moment = 0; moment < MOMENTS; moment++) {
    const actors = Array.from({ length: dice.upTo(8) }, () => dice.weighted(ACTORS));
    const acts = actors.flatMap(act);
    if (actors.includes("store")) acts.unshift(...answers());
    if (acts.length > 0) await history.step(acts.join(" && "));
    if (actors.includes("reader")) await history.step(dice.one(["stall", "take all", "take all"]));
    if (actors.includes("clock")) await history.step(dice.one(["+1ms", "+250ms", "+2s"]));
  }
  await history.step("take all");
}

function firstDifference(one: string, other: string): string {
  const [ones, others] = [one.split("\n"), other.split("\n")];
  const at = ones.findIndex((line, i) => line !== others[i]);
  const from = Math.max(0, at - 12);
  return [...ones.slice(from, at + 2), "<> apart:", ...others.slice(at, at + 2)].join("\n");
}
