/** Keys lead where people think they lead, however fast they come. */
import type { Browser, Page } from "playwright-core";
import { WebSocket } from "ws";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { connect, type Tertulia } from "#tertulia/clients/sdk/tertulia.js";
import { arrive, enter, hasBrowser, launch, type Person } from "../support/browser.js";
import { eventually } from "../support/eventually.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";

/** A machine whose frames are late: keys come sooner. */
const SLOW_FRAMES = `
  const ownFrame = requestAnimationFrame;
  globalThis.requestAnimationFrame = (draw) => setTimeout(() => ownFrame(draw), 300);`;

describe.skipIf(!hasBrowser())("the page", () => {
  let redis: TestRedis;
  let served: Awaited<ReturnType<typeof node>>;
  let browser: Browser;
  const others = new Map<string, Tertulia>();

  beforeAll(async () => {
    redis = await startRedis();
    served = await node(redis.url);
    browser = await launch();
    for (const name of ["ana", "banana", "cleo"]) {
      others.set(name, connect(`ws://127.0.0.1:${served.port}/ws`, { name, WebSocket }));
    }
  });
  afterEach(async () => {
    for (const context of browser.contexts()) await context.close();
  });
  afterAll(async () => {
    for (const each of others.values()) await each.close();
    await browser?.close();
    await served?.close();
    await redis?.close();
  });

  /** Somebody who has conversations with banana and cleo, cleo's the newer one. */
  async function scene(name: string): Promise<Person> {
    const page = await (await browser.newContext({ locale: "en-GB" })).newPage();
    await page.addInitScript(SLOW_FRAMES);
    const person = await arrive(page, served.port);
    await enter(person, name);
    await others.get("banana")!.publish(`@${name}`, "from banana");
    await others.get("cleo")!.publish(`@${name}`, "from cleo");
    await page.locator(".conversations .line").nth(2).waitFor();
    await page.locator(".person .line-name", { hasText: /^ana$/ }).waitFor();
    return person;
  }
  const title = (page: Page): Promise<string> => page.locator(".talk-title h2").innerText();
  const composed = (page: Page): Promise<string> => page.locator("#composer").inputValue();

  test("Enter opens the best hit, which is marked", async () => {
    const { page, hasOpen } = await scene("dora");
    const hits = page.locator("[data-hit=true] .line-name");
    const searches = async (text: string, hit: string): Promise<void> => {
      await page.keyboard.press("Control+k");
      await page.keyboard.type(text);
      await eventually(async () => expect(await hits.allInnerTexts()).toEqual([hit]));
      await page.getByText(`Enter opens ${hit.replace("Write to ", "")}`).waitFor();
    };
    await searches("ana", "ana");
    const found = page.locator(".side .line-name");
    await eventually(async () =>
      expect(await found.allInnerTexts()).toEqual(["banana", "ana", "banana"]),
    );
    await page.keyboard.press("Enter");
    await hasOpen("ana");
    expect(await title(page)).toBe("ana");
    await searches("BAN", "banana");
    await searches("every", "Everybody");
    await page.keyboard.press("Enter");
    await hasOpen("Everybody");
    await searches("zoe", "Write to zoe");
    await page.keyboard.press("Enter");
    await hasOpen("zoe");
  });

  test("keys right after Ctrl K go to the search, never to the composer", async () => {
    const { page } = await scene("eva");
    for (let turn = 0; turn < 5; turn++) {
      await page.keyboard.press("Control+k");
      await page.keyboard.type("xy");
      expect([await page.locator("#search").inputValue(), await composed(page)]).toEqual([
        "xy",
        "",
      ]);
      await page.keyboard.press("Escape");
      await page.keyboard.type("a");
      expect(await composed(page)).toBe("a".repeat(turn + 1).slice(-1));
      await page.keyboard.press("Backspace");
      await page.keyboard.press("Alt+ArrowDown");
      await page.keyboard.press("Control+k");
      await page.keyboard.type("b");
      expect(await composed(page)).toBe("");
      await page.keyboard.press("Escape");
    }
  });

  test("Enter right after Alt ↑ does not send one conversation's draft to another", async () => {
    const { page, opens, hasOpen } = await scene("fay");
    await opens("banana");
    await page.keyboard.type("for banana only");
    await page.keyboard.press("Alt+ArrowUp");
    await page.keyboard.press("Enter");
    await page.keyboard.type("to another");
    await page.keyboard.press("Alt+ArrowDown");
    await hasOpen("banana");
    expect(await composed(page)).toBe("for banana only");
    await page.keyboard.press("Alt+ArrowUp");
    expect(await composed(page)).toBe("to another");
    expect(await title(page)).toBe("cleo");
    for (const name of ["~", "@fay"]) {
      const history = await others.get("cleo")!.history(name);
      expect(history.messages.map(({ from }) => from)).not.toContain("fay");
    }
  });

  test("keys right after Enter belong to the next message", async () => {
    const { page } = await scene("hal");
    await page.locator("#composer:focus").waitFor();
    await page.keyboard.type("one");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Enter"); // of an empty field: nothing
    await page.keyboard.type("two");
    expect(await composed(page)).toBe("two");
    await page.keyboard.press("Enter");
    await eventually(async () => {
      const { messages } = await others.get("cleo")!.history("~");
      expect(messages.map(({ text }) => text)).toEqual(["one", "two"]);
    });
  });

  test.each([
    ["Cyrillic", "л", "KeyK", true],
    ["Greek", "κ", "KeyK", true],
    ["Dvorak, where K lies elsewhere", "k", "KeyV", true],
    ["Dvorak, where a T lies in its place", "t", "KeyK", false],
  ])("Ctrl K on a keyboard that is %s", async (_, key, code, isSearch) => {
    const { page } = await scene(`gil ${key} ${code}`);
    await page.locator("#composer:focus").waitFor();
    const debug = await page.context().newCDPSession(page);
    const event = { key, code, modifiers: 2, windowsVirtualKeyCode: 75 };
    await debug.send("Input.dispatchKeyEvent", { type: "rawKeyDown", ...event });
    await debug.send("Input.dispatchKeyEvent", { type: "keyUp", ...event });
    const focus = await page.evaluate<string>("document.activeElement.id");
    expect(focus).toBe(isSearch ? "search" : "composer");
  });
});
