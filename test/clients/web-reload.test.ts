/** A page that is loaded again: what it shows then, and what becomes of what it was sending. */
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { connect } from "#tertulia/clients/sdk/tertulia.js";
import { hasBrowser, join, launch } from "../support/browser.js";
import { eventually } from "../support/eventually.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";

describe.skipIf(!hasBrowser())("a page that is loaded again", () => {
  let redis: TestRedis;
  let gateway: Awaited<ReturnType<typeof node>>;
  let browser: Browser;

  beforeAll(async () => {
    redis = await startRedis();
    gateway = await node(redis.url);
    browser = await launch();
  });
  afterEach(async () => {
    for (const context of browser.contexts()) await context.close();
  });
  afterAll(async () => {
    await browser?.close();
    await gateway?.close();
    await redis?.close();
  });

  test("shows 25 private conversations in the order in which they were written to last", async () => {
    const zoe = await join(browser, gateway.port, "zoe");
    const lines = zoe.page.locator(".conversations .line-name");
    const newestFirst: string[] = [];
    for (let i = 0; i < 25; i++) {
      const name = `p${String((i * 7) % 25).padStart(2, "0")}`;
      const peer = connect(`ws://127.0.0.1:${gateway.port}/ws`, { name, WebSocket });
      await peer.publish("@zoe", `from ${name}`);
      await peer.close();
      newestFirst.unshift(name);
    }
    const shown = async (): Promise<string[]> => (await lines.allInnerTexts()).slice(1);
    await eventually(async () => expect(await shown()).toEqual(newestFirst));
    for (const name of newestFirst) await zoe.opens(name); // read: no more of them comes by itself
    await zoe.page.reload();
    await zoe.page.locator(".chat").waitFor();
    await eventually(async () => expect(await shown()).toEqual(newestFirst));
  });
});
