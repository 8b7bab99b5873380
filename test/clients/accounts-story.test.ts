/** One evening of a chat with accounts: a page, its second device, a byte client, and an operator at a terminal. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WebSocket } from "ws";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { register } from "#tertulia/clients/sdk/tertulia.js";
import { admin } from "../support/admin.js";
import { hasBrowser, launch, visit } from "../support/browser.js";
import { eventually } from "../support/eventually.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import { closeWindows, HAS_TMUX, openWindow, type Window } from "../support/tmux.js";

const PASSWORD = "correct horse";

describe.skipIf(!HAS_TMUX || !hasBrowser())("in a chat with accounts", () => {
  let folder: string;
  let redis: TestRedis;
  let gateways: Awaited<ReturnType<typeof node>>[];
  let browser: Browser;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "tertulia-story-"));
    redis = await startRedis();
    const start = () => node(redis.url, { IDENTITY: "accounts" });
    [gateways, browser] = await Promise.all([Promise.all([start(), start()]), launch()]);
  });
  afterAll(async () => {
    await closeWindows();
    await browser?.close();
    for (const each of gateways) await each.close();
    await redis.close();
    await rm(folder, { recursive: true });
  });

  const sees = (window: Window, ...parts: (string | RegExp)[]): Promise<void> =>
    eventually(async () => {
      const screen = await window.screen();
      for (const part of parts) expect(screen).toMatch(part);
    }, 30_000);

  test("a page registers, logs in on a second device, and is kicked and banned from a terminal: it sees why", async () => {
    const [near, far] = gateways.map(({ port }) => port) as [number, number];
    const url = `ws://127.0.0.1:${far}`;
    await register(url, { name: "ops", password: PASSWORD, WebSocket });
    expect((await admin(redis.url, "role", "ops", "operator")).error).toBe("");

    const laptop = await visit(browser, near);
    await laptop.page.getByRole("button", { name: "Create an account" }).click();
    await laptop.page.locator("input[name=name]").fill("ana");
    await laptop.page.locator("input[name=password]").fill(PASSWORD);
    await laptop.page.keyboard.press("Enter");
    await laptop.page.locator(".chat").waitFor();
    await laptop.says("hello from the laptop");
    const phone = await visit(browser, far);
    await phone.page.locator("input[name=name]").fill("ana");
    await phone.page.locator("input[name=password]").fill(PASSWORD);
    await phone.page.keyboard.press("Enter");
    await phone.page.locator(".chat").waitFor();
    await eventually(async () => expect(await phone.texts()).toEqual(["hello from the laptop"]));

    const ops = await openWindow("ops", ["--url", url], { XDG_STATE_HOME: folder });
    await sees(ops, "log in with your password");
    await ops.types("l", "[Enter]", PASSWORD, "[Enter]");
    await sees(ops, "● ana", "hello from the laptop");
    await ops.types("/kick ana that was rude", "[Enter]");
    await sees(ops, "kicked ana");
    const told = (text: RegExp) => async (): Promise<void> => {
      for (const { page } of [laptop, phone]) {
        expect(await page.locator(".banner-bad span").innerText()).toMatch(text);
      }
    };
    await eventually(told(/^You were sent away from this chat\. \(kicked: that was rude\)$/));
    for (const { page } of [laptop, phone]) await page.locator(".banner-bad button").click();
    await sees(ops, "● ana");
    await ops.types("/ban ana 2h enough now", "[Enter]");
    await sees(ops, /banned ana until/);
    await eventually(told(/\(banned until .+Z: enough now\)$/));
    for (const { page } of [laptop, phone]) await page.locator(".banner-bad button").click();
    await eventually(told(/^A moderator has banned you\. \(banned until .+Z: enough now\)$/));
    await ops.types("/audit", "[Enter]");
    await sees(ops, /banned ana {2}until.+ {2}by @ops\n.+ enough now\n/);
    await sees(ops, /kicked ana {2}by @ops {2}that was rude\n.+role of ops operator {2}by olga/);
    expect([...laptop.complaints, ...phone.complaints]).toEqual([]);
  });
});
