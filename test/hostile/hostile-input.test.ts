/**
 * Hostile input, over real sockets: each row of docs/hostile-input.md is sent to a gateway, which lives, and goes on
 * serving others. `npx vitest run test/hostile -u` writes that page.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.js";
import { documentOf } from "./document.js";
import { floods } from "./floods.js";
import { frames } from "./frames.js";
import { http } from "./http.js";
import { json } from "./json.js";
import { names } from "./names.js";
import { strangers } from "./strangers.js";
import type { HostileCase } from "./hostile-case.js";
import { openWorld, type World } from "./world.js";

const CHAPTERS = [frames, http, json, names, strangers, floods];
/** Sockets that are still closing, and connections to Redis. */
const SPARE_DESCRIPTORS = 10;

let world: World;
let descriptors: number;
const slow = new Map<HostileCase, Promise<string>>();
const seen = new Map<HostileCase, string>();

beforeAll(async () => {
  world = await openWorld();
  await world.isWell();
  descriptors = await world.descriptors();
  for (const each of CHAPTERS.flatMap(({ cases }) => cases).filter(({ isSlow }) => isSlow)) {
    const answer = each.seen(world);
    answer.catch(() => {}); // its own test waits for it
    slow.set(each, answer);
  }
});
afterAll(() => world.close());

describe.each(CHAPTERS)("$title", ({ cases }) => {
  test.each(cases)("$sent", async (each) => {
    const answer = await (slow.get(each) ?? each.seen(world));
    await world.isWell();
    if (each.open === undefined) expect(answer).toBe(each.expected);
    else if (answer === each.expected) console.warn(`no longer open: ${each.sent}`);
    seen.set(each, answer);
  });
});

test("no connection is left behind", async () => {
  await world.leave();
  await eventually(async () => {
    expect(await world.descriptors()).toBeLessThanOrEqual(descriptors + SPARE_DESCRIPTORS);
  });
});

test("docs/hostile-input.md tells what was seen", async () => {
  const page = new URL("../../docs/hostile-input.md", import.meta.url);
  await expect(documentOf(CHAPTERS, seen)).toMatchFileSnapshot(page.pathname);
});
