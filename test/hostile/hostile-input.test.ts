/**
 * Hostile input, over real sockets: each row of docs/hostile-input.md is sent to a gateway, which lives, and goes on
 * serving others. `npx vitest run test/hostile -u` writes that page.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.js";
import { accounts } from "./accounts.js";
import { documentOf } from "./document.js";
import { floods } from "./floods.js";
import { frames } from "./frames.js";
import { http } from "./http.js";
import { json } from "./json.js";
import { moderation } from "./moderation.js";
import { names } from "./names.js";
import { removal } from "./removal.js";
import { strangers } from "./strangers.js";
import type { HostileCase } from "./hostile-case.js";
import { openWorld, type World, type WorldKind } from "./world.js";

const CHAPTERS = [frames, http, json, names, strangers, removal, accounts, moderation, floods];
/** Sockets that are still closing, and connections to Redis. */
const SPARE_DESCRIPTORS = 10;

const worlds = new Map<WorldKind, World>();
const descriptors = new Map<World, number>();
const slow = new Map<HostileCase, Promise<string>>();
const seen = new Map<HostileCase, string>();

beforeAll(async () => {
  for (const { cases, world: kind = "open" } of CHAPTERS) {
    const world = worlds.get(kind) ?? (await openWorld(kind));
    if (!worlds.has(kind)) {
      worlds.set(kind, world);
      await world.isWell();
      descriptors.set(world, await world.descriptors());
    }
    for (const each of cases.filter(({ isSlow }) => isSlow)) {
      const answer = each.seen(world);
      answer.catch(() => {}); // its own test waits for it
      slow.set(each, answer);
    }
  }
});
afterAll(() => Promise.all([...worlds.values()].map((world) => world.close())));

describe.each(CHAPTERS)("$title", ({ cases, world: kind = "open" }) => {
  test.each(cases)("$sent", async (each) => {
    const world = worlds.get(kind)!;
    const answer = await (slow.get(each) ?? each.seen(world));
    await world.isWell();
    if (each.open === undefined) expect(answer).toBe(each.expected);
    else if (answer === each.expected) console.warn(`no longer open: ${each.sent}`);
    seen.set(each, answer);
  });
});

test("no connection is left behind", async () => {
  for (const [world, before] of descriptors) {
    await world.leave();
    await eventually(async () => {
      expect(await world.descriptors()).toBeLessThanOrEqual(before + SPARE_DESCRIPTORS);
    });
  }
});

test("docs/hostile-input.md tells what was seen", async () => {
  const page = new URL("../../docs/hostile-input.md", import.meta.url);
  await expect(documentOf(CHAPTERS, seen)).toMatchFileSnapshot(page.pathname);
});
