/** A page that is loaded again: what it shows then, and what becomes of what it was sending. */
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { connect } from "#tertulia/clients/sdk/tertulia.js";
import { freePort } from "#tertulia/local-redis/server.js";
import { hasBrowser, join, launch, type Person } from "../support/browser.js";
import { eventually } from "../support/eventually.js";
import { node, nodeProcess } from "../support/nodes.js";
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

  /** As the chat has them. */
  async function stored(name: string, conv = "~"): Promise<string[]> {
    const chat = connect(`ws://127.0.0.1:${gateway.port}/ws`, { name, WebSocket });
    try {
      const { messages } = await chat.history(conv, { limit: 200 });
      return messages.map(({ text }) => text);
    } finally {
      await chat.close();
    }
  }
  const shows = (person: Person, ...texts: string[]): Promise<void> =>
    eventually(async () => expect((await person.texts()).slice(-texts.length)).toEqual(texts));

  test("sends again what was on its way, in order, and each message is stored once", async () => {
    const uma = await join(browser, gateway.port, "uma");
    await uma.says("uma 0");
    await uma.page.locator(".tick", { hasText: "Sent" }).waitFor();
    const thaw = await redis.freeze();
    try {
      for (const n of [1, 2, 3]) await uma.says(`uma ${n}`);
      await uma.page.locator(".tick", { hasText: "On its way" }).nth(2).waitFor();
      await uma.page.reload(); // the first of them is in the hands of Redis
    } finally {
      await thaw();
    }
    await uma.page.locator(".chat").waitFor();
    await shows(uma, "uma 0", "uma 1", "uma 2", "uma 3");
    await eventually(async () => {
      expect(await uma.page.locator(".tick", { hasText: "On its way" }).count()).toBe(0);
      expect(await uma.page.evaluate("Object.keys(localStorage).join()")).not.toContain("outgoing");
    });
    const all = (await stored("who-looks")).filter((text) => text.startsWith("uma"));
    expect(all).toEqual(["uma 0", "uma 1", "uma 2", "uma 3"]);
  });

  test("sends it from another tab if its own has crashed, under the same name only", async () => {
    const typed = "vic \u2b50\ufe0f"; // a star as phones type it: the chat wants it without the selector
    const vic = await join(browser, gateway.port, typed);
    const thaw = await redis.freeze();
    try {
      await vic.says("vic 1");
      await vic.page.locator(".tick", { hasText: "On its way" }).waitFor();
      await vic.page.close({ runBeforeUnload: false });
    } finally {
      await thaw();
    }
    const enter = async (name: string): Promise<Page> => {
      const page = await vic.page.context().newPage();
      await page.goto(`http://127.0.0.1:${gateway.port}/`);
      await eventually(async () => {
        await page.locator("input[name=name]").fill(name); // may be held for some seconds still
        await page.locator("input[name=name]").press("Enter");
        await page.locator(".chat").waitFor({ timeout: 1_000 });
      });
      return page;
    };
    const other = await enter(`vic"tor`);
    await other.locator("#composer").fill(`vic"tor 1`);
    await other.locator("#composer").press("Enter");
    const own = await enter(typed);
    await own.locator(".said", { hasText: "vic 1" }).waitFor();
    await eventually(async () => {
      const all = (await stored("who-looks")).filter((text) => text.startsWith("vic"));
      expect(all.toSorted()).toEqual(["vic 1", `vic"tor 1`]);
    });
    expect(await own.evaluate("Object.keys(localStorage).join()")).not.toContain("outgoing");
  });

  test("two tabs of one user that both send it store it once, in order", async () => {
    const tea = await join(browser, gateway.port, "tea");
    const other = await tea.page.context().newPage();
    await other.goto(`http://127.0.0.1:${gateway.port}/`);
    await other.locator("input[name=name]").fill("tea");
    await other.locator("input[name=name]").press("Enter");
    await other.locator(".chat").waitFor();
    const thaw = await redis.freeze();
    try {
      for (const n of [1, 2]) await tea.says(`tea ${n}`);
      await other.locator("#composer").fill("tea of the other");
      await other.locator("#composer").press("Enter");
      await other.locator(".tick", { hasText: "On its way" }).waitFor();
      await tea.page.locator(".tick", { hasText: "On its way" }).nth(1).waitFor();
      await other.reload(); // goes on with those of the first tab as well
    } finally {
      await thaw();
    }
    const texts = ["tea 1", "tea 2", "tea of the other"];
    const shown = async (page: Page): Promise<string[]> =>
      (await page.locator(".said").allInnerTexts()).filter((text) => text.startsWith("tea"));
    for (const page of [tea.page, other]) {
      await eventually(async () => expect((await shown(page)).toSorted()).toEqual(texts));
      await page.locator(".tick", { hasText: "On its way" }).first().waitFor({ state: "detached" });
      await eventually(async () => {
        // what one tab takes away, the other may read for a moment still
        expect(await page.evaluate("Object.keys(localStorage).join()")).not.toContain("outgoing");
      });
    }
    const all = (await stored("who-looks")).filter((text) => text.startsWith("tea"));
    expect(all.toSorted()).toEqual(texts);
    expect(all.indexOf("tea 1")).toBeLessThan(all.indexOf("tea 2"));
  });

  test("asks the user about messages that may have been sent more than a quarter of an hour ago", async () => {
    const port = await freePort();
    const environment = { REDIS_URL: redis.url, PORT: port };
    const doomed = await nodeProcess(environment);
    const wes = await join(browser, port, "wes");
    doomed.child.kill("SIGSTOP");
    await wes.says("wes 1");
    await wes.page.locator(".tick", { hasText: "On its way" }).waitFor();
    await wes.page.goto("about:blank");
    await doomed.close("SIGKILL");
    const again = await nodeProcess(environment);
    try {
      await wes.page.clock.setSystemTime(Date.now() + 20 * 60_000);
      await wes.page.goto(`http://127.0.0.1:${port}/`);
      await wes.page.locator(".failed", { hasText: "it may have arrived" }).waitFor();
      expect(await stored("who-looks")).not.toContain("wes 1");
      await wes.page.getByRole("button", { name: "Try again" }).click();
      await wes.page.locator(".tick", { hasText: "Sent" }).waitFor();
      expect((await stored("who-looks")).filter((text) => text === "wes 1")).toHaveLength(1);
    } finally {
      await again.close();
    }
  });

  test("still shows refused messages, to be retried or discarded", async () => {
    const xi = await join(browser, gateway.port, "xi");
    await xi.page.locator("#search").fill("yul");
    await xi.page.locator("#search").press("Enter");
    await xi.hasOpen("yul");
    await xi.says("yul?");
    await xi.says("really?");
    await xi.page.locator(".failed").nth(1).waitFor();
    await xi.page.reload();
    await xi.opens("yul");
    expect(await xi.page.locator(".failed").count()).toBe(2);
    const yul = await join(browser, gateway.port, "yul");
    await xi.page.getByRole("button", { name: "Discard" }).last().click();
    await xi.page.locator(".failed").nth(1).waitFor({ state: "detached" });
    await xi.page.getByRole("button", { name: "Try again" }).click();
    await yul.opens("xi");
    await shows(yul, "yul?");
    await xi.page.reload();
    await xi.opens("yul");
    await shows(xi, "yul?");
    expect(await xi.page.locator(".failed").count()).toBe(0);
  });
});
