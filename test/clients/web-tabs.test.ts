/** Two tabs of one browser: two devices of one user, each with its own drafts. */
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { connect, type Tertulia } from "#tertulia/clients/sdk/tertulia.js";
import { hasBrowser, launch, openWindow } from "../support/browser.js";
import { eventually } from "../support/eventually.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";

/** Collects what the browser would have shown. */
const NOTIFICATIONS = `
  globalThis.told = [];
  globalThis.Notification = class extends EventTarget {
    static permission = "granted";
    constructor(title, { body }) { super(); told.push(body); }
    close() {}
  };
  localStorage["tertulia.notify"] = "true";`;

describe.skipIf(!hasBrowser())("two tabs of one browser", () => {
  let redis: TestRedis;
  let served: Awaited<ReturnType<typeof node>>;
  let browser: Browser;
  let friend: Tertulia;

  beforeAll(async () => {
    redis = await startRedis();
    // by its other name, this machine looks like one that a foreign name leads to
    served = await node(redis.url, { PRESENCE_LINGER_MS: 500, ALLOWED_ORIGINS: "*" });
    browser = await launch();
    friend = connect(`ws://127.0.0.1:${served.port}/ws`, { name: "friend", WebSocket });
    await friend.presence.watch();
  });
  afterEach(async () => {
    for (const context of browser.contexts()) await context.close();
    await eventually(() => expect([...friend.presence.people.keys()]).toEqual(["friend"]));
  });
  afterAll(async () => {
    await friend?.close();
    await browser?.close();
    await served?.close();
    await redis?.close();
  });

  /** Where locks are, and where they are not: a page that came by http from another machine. */
  const places = [
    ["from this machine", "127.0.0.1", true],
    ["by http from elsewhere", "lan.test", false],
  ] as const;

  const open = async (context: BrowserContext, host = "127.0.0.1"): Promise<Page> => {
    const page = await context.newPage();
    page.setDefaultTimeout(30_000);
    await page.goto(`http://${host}:${served.port}/`);
    return page;
  };
  const enter = async (page: Page, name?: string): Promise<Page> => {
    if (name !== undefined) await page.locator("input[name=name]").fill(name);
    await page.locator("input[name=name]").press("Enter"); // the name is there already
    await page.locator(".chat").waitFor();
    return page;
  };
  const texts = (page: Page): Promise<string[]> => page.locator(".message .said").allInnerTexts();
  const types = async (page: Page, text: string): Promise<void> => {
    await page.bringToFront();
    await page.locator("#composer").focus();
    await page.keyboard.type(text);
  };
  const written = (page: Page): Promise<string> => page.locator("#composer").inputValue();
  const reload = async (page: Page): Promise<void> => {
    await page.reload();
    await page.locator(".chat").waitFor();
  };

  test.each(places)(
    "%s, the second one has the name as well, and each goes on when the other leaves",
    async (_, host, hasLocks) => {
      const context = await browser.newContext({ locale: "en-GB" });
      const name = `ana-${host}`; // it is kept for a browser and its place
      const first = await enter(await open(context, host), name);
      expect(await first.evaluate("'locks' in navigator")).toBe(hasLocks);
      const second = await enter(await open(context, host));
      await eventually(() => expect(friend.presence.count).toBe(2));
      await types(first, "from the first");
      await first.keyboard.press("Enter");
      await types(second, "from the second");
      await second.keyboard.press("Enter");
      for (const page of [first, second]) {
        const said = ["from the first", "from the second"];
        await eventually(async () =>
          expect((await texts(page)).slice(-2).toSorted()).toEqual(said),
        );
      }
      await second.bringToFront();
      await second.getByRole("button", { name: "Leave" }).click();
      await second.getByRole("button", { name: "Join" }).waitFor();
      await friend.publish("~", `still there, ${host}?`);
      await first.locator(".said", { hasText: `still there, ${host}?` }).waitFor();
      expect(friend.presence.people.get(name)).toBe("active");
      await enter(second);
      await reload(first);
      expect(friend.presence.count).toBe(2);
      for (const page of [first, second]) {
        await page.bringToFront();
        await page.getByRole("button", { name: "Leave" }).click();
      }
      await eventually(() => expect(friend.presence.people.has(name)).toBe(false));
    },
  );

  test("tabs that join at the same moment are one user", async () => {
    const context = await browser.newContext({ locale: "en-GB" });
    const pages = await Promise.all(Array.from({ length: 4 }, () => open(context)));
    await Promise.all(pages.map((page) => page.locator("input[name=name]").fill("twin")));
    await Promise.all(
      pages.map((page) => page.evaluate("document.querySelector('form').requestSubmit()")),
    );
    for (const page of pages) await page.locator(".chat").waitFor();
    await eventually(() => expect(friend.presence.count).toBe(2));
  });

  test.each(places)(
    "%s, each keeps what is written in it, whatever is written or sent in the other",
    async (_, host) => {
      const context = await browser.newContext({ locale: "en-GB" });
      const first = await enter(await open(context, host), `bea-${host}`);
      const second = await enter(await open(context, host));
      await types(first, "one, not yet");
      await types(second, "two, not");
      await types(first, " said");
      await types(second, " yet");
      await reload(first);
      await reload(second);
      expect([await written(first), await written(second)]).toEqual([
        "one, not yet said",
        "two, not yet",
      ]);
      await types(second, " but now");
      await second.keyboard.press("Enter");
      await eventually(async () =>
        expect((await texts(first)).at(-1)).toBe("two, not yet but now"),
      );
      await reload(first);
      await reload(second);
      expect([await written(first), await written(second)]).toEqual(["one, not yet said", ""]);

      await first.close(); // what it left is for the next visit
      await second.close();
      const third = await enter(await open(context, host));
      expect(await written(third)).toBe("one, not yet said");
    },
  );

  test("a new tab takes over the latest draft of closed tabs, and the next tab the rest", async () => {
    const context = await browser.newContext({ locale: "en-GB" });
    const first = await enter(await open(context), "cleo");
    await types(first, "older");
    const second = await enter(await open(context));
    expect(await written(second), "the first tab is open").toBe("");
    await types(second, "newer");
    await first.close();
    await second.close();
    const third = await enter(await open(context));
    expect(await written(third)).toBe("newer");
    await third.keyboard.press("Enter");
    await eventually(async () => expect(await texts(third)).toContain("newer"));
    const fourth = await enter(await open(context));
    expect(await written(fourth)).toBe("older");
    await fourth.locator("#composer").fill("");
    await fourth.close();
    await third.close();
    expect(await written(await enter(await open(context)))).toBe("");
  });

  test("a duplicated tab is a device of its own, and begins with a copy", async () => {
    const context = await browser.newContext({ locale: "en-GB" });
    const first = await enter(await open(context), "hal");
    await types(first, "both");
    const [second] = await Promise.all([
      context.waitForEvent("page"),
      first.evaluate("void window.open(location.href)"), // takes the session storage along
    ]);
    await second.locator(".chat").waitFor();
    expect(await written(second)).toBe("both");
    await types(second, ", two");
    await types(first, ", one");
    await reload(second);
    await reload(first);
    expect([await written(first), await written(second)]).toEqual(["both, one", "both, two"]);
    await second.keyboard.press("Control+A");
    await types(second, "gone");
    await second.keyboard.press("Enter");
    await eventually(async () => expect(await texts(first)).toContain("gone"));
    for (const page of [first, second]) await page.close();
    expect(await written(await enter(await open(context)))).toBe("both, one");
  });

  test("while one of them is looked at, the other does not notify", async () => {
    const window = await openWindow();
    try {
      const tab = async (name?: string): Promise<Page> => {
        const page = await window.tab();
        await page.addInitScript(NOTIFICATIONS);
        page.setDefaultTimeout(30_000);
        await page.goto(`http://127.0.0.1:${served.port}/`);
        return enter(page, name);
      };
      const behind = await tab("gus");
      const front = await tab();
      const told = (page: Page): Promise<unknown> => page.evaluate("told");
      await friend.publish("~", "you look");
      await front.locator(".said", { hasText: "you look" }).waitFor();
      await (await window.tab()).bringToFront();
      await eventually(async () => expect(await front.evaluate("document.hidden")).toBe(true));
      await friend.publish("@gus", "you do not");
      await eventually(async () => expect(await told(behind)).toEqual(["you do not"]));
      await friend.publish("~", "nor now"); // of each conversation one is told at a time
      await eventually(async () => expect(await told(behind)).toEqual(["you do not", "nor now"]));
    } finally {
      await window.close();
    }
  });

  test("another name in another tab is another user", async () => {
    const context = await browser.newContext({ locale: "en-GB" });
    const dan = await enter(await open(context), "dan");
    await types(dan, "dan's");
    const eva = await enter(await open(context), "eva");
    await eventually(() => expect(friend.presence.count).toBe(3));
    expect(await written(eva)).toBe("");
    await types(eva, "eva's");
    await reload(dan);
    await reload(eva);
    expect([await written(dan), await written(eva)]).toEqual(["dan's", "eva's"]);
  });

  test("a name that this browser has left is kept for it; another browser is refused, with the reason", async () => {
    const context = await browser.newContext({ locale: "en-GB" });
    const page = await enter(await open(context), "fay");
    await page.getByRole("button", { name: "Leave" }).click();
    await page.getByRole("button", { name: "Join" }).waitFor();
    await page.close();
    const elsewhere = await open(await browser.newContext({ locale: "en-GB" }));
    await elsewhere.locator("input[name=name]").fill("fay");
    await elsewhere.locator("input[name=name]").press("Enter");
    await elsewhere.getByText("is kept for somebody").waitFor();
    // nor is it tried again by itself
    expect(await elsewhere.evaluate<string | null>("sessionStorage['tertulia.seat']")).toBeFalsy();
    await elsewhere.reload();
    await elsewhere.locator("input[name=name]:focus").waitFor();
    expect(await elsewhere.getByRole("button", { name: "Join" }).isEnabled()).toBe(true);
    const later = await enter(await open(context));
    await later.getByRole("button", { name: "Leave" }).click();
  });
});
