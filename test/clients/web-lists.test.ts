/** The lists beside the conversation by keyboard: one tab stop each, whatever is added, removed or moved in them. */
import type { Browser, Page } from "playwright-core";
import { WebSocket } from "ws";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connect, type Tertulia } from "#tertulia/clients/sdk/tertulia.js";
import { hasBrowser, join, launch } from "../support/browser.js";
import { eventually } from "../support/eventually.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";

const NAMES = Array.from({ length: 300 }, (_, index) => `user ${String(index).padStart(3, "0")}`);

describe.skipIf(!hasBrowser())("the page", () => {
  let redis: TestRedis;
  let served: Awaited<ReturnType<typeof node>>;
  let browser: Browser;
  let page: Page;
  const others = new Map<string, Tertulia>();
  const comes = (name: string): Tertulia => {
    const chat = connect(`ws://127.0.0.1:${served.port}/ws`, { name, WebSocket });
    others.set(name, chat);
    return chat;
  };

  beforeAll(async () => {
    redis = await startRedis();
    served = await node(redis.url);
    browser = await launch();
    for (const name of [...NAMES, "zoe", "Ámbar"]) comes(name);
    await Promise.all([...others.values()].map((each) => each.joined()));
    ({ page } = await join(browser, served.port, "ana"));
    await page.getByText("303 people here").first().waitFor();
    for (const name of ["zoe", "user 007"]) await others.get(name)!.publish("@ana", "psst");
    await page.locator(".conversations .line").nth(2).waitFor();
  });
  afterAll(async () => {
    await browser?.close();
    await Promise.all([...others.values()].map((each) => each.close()));
    await served?.close();
    await redis?.close();
  });

  /** What has the focus: the row, or what it is called. */
  const focus = (): Promise<string> =>
    page.evaluate<string>(
      `document.activeElement.dataset.row ?? document.activeElement.id ?? document.activeElement.className`,
    );
  const presses = async (key: string, ...rows: string[]): Promise<void> => {
    for (const row of rows) {
      await page.keyboard.press(key);
      expect(await focus(), `by ${key}`).toBe(row);
    }
  };
  const toFirstPerson = async (): Promise<void> => {
    await page.locator("#search").focus();
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Home");
    expect(await focus()).toBe("Ámbar");
  };
  const isSeen = (row: string): Promise<boolean> =>
    page.evaluate<boolean>(`(() => {
      const row = document.querySelector('.person[data-row="${row}"]').getBoundingClientRect();
      const box = document.querySelector(".people-box").getBoundingClientRect();
      return row.top >= box.top - 1 && row.bottom <= box.bottom + 1;
    })()`);

  test("Tab stops once in each list, however many are in it", async () => {
    await page.locator("#search").focus();
    await presses("Tab", "~", "Ámbar");
    await page.keyboard.press("Tab"); // to what is below them
    expect(await page.evaluate("document.activeElement.closest('.me') !== null")).toBe(true);
    await presses("Shift+Tab", "Ámbar", "~", "search");
    const stops = await page
      .locator(".side li [tabindex='0'], .side li button:not([tabindex])")
      .count();
    expect(stops).toBe(2);
  });

  test("arrows, Home, End and page keys move within lists, also to rows not rendered yet, and between lists", async () => {
    await page.locator("#search").focus();
    await presses("ArrowDown", "~", "@user 007", "@zoe", "Ámbar", "user 000", "user 001");
    await presses("End", "zoe");
    expect(await isSeen("zoe")).toBe(true);
    await presses("ArrowUp", "user 299", "user 298");
    await presses("PageUp", "user 288");
    await presses("Home", "Ámbar");
    await presses("PageDown", "user 009", "user 019");
    expect(await isSeen("user 019")).toBe(true);
    await page.keyboard.press("Shift+Tab");
    expect(await focus(), "the stop is where one was last").toBe("@zoe");
    await presses("Tab", "user 019");
    await presses("Home", "Ámbar");
    await presses("ArrowUp", "@zoe", "@user 007", "~", "search");
  });

  test("typed letters move to the name that begins with them", async () => {
    await toFirstPerson();
    await eventually(async () => {
      await page.keyboard.type("user 15"); // on a slow machine perhaps too slowly for one name
      expect(await focus()).toBe("user 150");
    });
    expect(await isSeen("user 150")).toBe(true);
    await presses("z", "zoe");
    await presses("a", "Ámbar"); // whatever its accent
    await presses("u", "user 000", "user 001", "user 002");
    await page.keyboard.press("z");
    await page.keyboard.press(" "); // belongs to no name here: it presses the button
    await page.locator(".talk-title h2", { hasText: "zoe" }).waitFor();
  });

  test("the right arrow moves to the second button of a row", async () => {
    await toFirstPerson();
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").getByText("Is here and reads along.").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await presses("ArrowLeft", "Ámbar");
  });

  test("a row keeps the focus while others come, go and move, and passes it on when it is removed", async () => {
    await toFirstPerson();
    await presses("ArrowDown", "user 000", "user 001");
    await others.get("user 001")!.setStatus("busy"); // behind all active ones
    await eventually(async () =>
      expect(await page.locator(".person").nth(2).getAttribute("data-row")).toBe("user 002"),
    );
    await page.keyboard.press("ArrowUp");
    expect(await focus()).toBe("zoe");
    await presses("Home", "Ámbar");
    await presses("ArrowDown", "user 000", "user 002", "user 003");
    await others.get("user 003")!.close();
    await eventually(async () => expect(await focus()).toBe("user 004"));
    await page.mouse.move(100, 600);
    await eventually(async () => {
      await page.mouse.wheel(0, 2_000); // until the row is no longer in the page
      expect(await page.locator(".person[data-row='user 004']").count()).toBe(0);
    });
    await page.evaluate(`new Promise((resolve) => {
      const look = (before) => {
        const { scrollTop } = document.querySelector(".people-box");
        if (scrollTop === before) resolve(); // the wheel has come to rest
        else setTimeout(look, 200, scrollTop);
      };
      look();
    })`);
    await presses("ArrowDown", "user 005");
    expect(await isSeen("user 005")).toBe(true);
  });

  test("a conversation that moves up keeps the focus", async () => {
    await page.locator("#search").focus();
    await presses("ArrowDown", "~", "@user 007", "@zoe");
    await others.get("zoe")!.publish("@ana", "are you there?");
    await eventually(async () =>
      expect(await page.locator(".conversations .line").nth(1).getAttribute("data-row")).toBe(
        "@zoe",
      ),
    );
    expect(await focus()).toBe("@zoe");
    await presses("ArrowDown", "@user 007");
  });
});
