/** The page and the clock of its machine: midnight comes, and somebody sets the clock back. */
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { connect } from "#tertulia/clients/sdk/tertulia.js";
import { hasBrowser, launch, visit, type Person } from "../support/browser.js";
import { eventually } from "../support/eventually.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";

/** A clock of the machine that can be set; what measures time goes on as it did. */
const CLOCK = `
  const OwnDate = Date;
  globalThis.aheadMs = 0;
  globalThis.Date = class extends OwnDate {
    constructor(...parts) { super(...(parts.length === 0 ? [Date.now()] : parts)); }
    static now() { return OwnDate.now() + aheadMs; }
  };`;

describe.skipIf(!hasBrowser())("the clock of a machine", () => {
  let redis: TestRedis;
  let served: Awaited<ReturnType<typeof node>>;
  let browser: Browser;

  beforeAll(async () => {
    redis = await startRedis();
    served = await node(redis.url);
    browser = await launch();
  });
  afterEach(async () => {
    for (const context of browser.contexts()) await context.close();
  });
  afterAll(async () => {
    await browser?.close();
    await served?.close();
    await redis?.close();
  });

  const joined = async (name: string, locale: string): Promise<Person> => {
    const person = await visit(browser, served.port, { locale, timezoneId: "Europe/Berlin" });
    await person.page.addInitScript(CLOCK);
    await person.page.reload();
    await person.page.locator("input[name=name]").fill(name);
    await person.page.locator("input[name=name]").press("Enter");
    await person.page.locator(".chat").waitFor();
    return person;
  };

  test("at midnight today becomes yesterday, and a time in the list becomes a date", async () => {
    const { page, says } = await joined("ana", "en-GB");
    await says("good night");
    const day = page.locator(".divider span").last();
    const short = page.locator(".conversations time").first();
    await eventually(async () => expect(await day.innerText()).toBe("Today"));
    expect(await short.innerText()).toMatch(/^\d\d:\d\d$/); // 24 hours, as in Britain
    const toMidnight = "new Date().setHours(24, 0, 0, 0) - Date.now()";
    await page.evaluate(`aheadMs = ${toMidnight} - 60_000`);
    await says("still today");
    expect(await day.innerText()).toBe("Today");
    await page.evaluate(`aheadMs += 61_000`);
    await eventually(async () => expect(await day.innerText()).toBe("Yesterday"));
    expect(await short.innerText()).toMatch(/^\d{1,2} \p{L}+/u); // the day first
    await page.evaluate(`aheadMs += 24 * 3_600_000 + 3_600_000`);
    await eventually(async () => expect(await day.innerText()).toMatch(/^\p{L}+,? \d/u));
  });

  test("a clock set back by an hour stops neither read marks nor statuses of another device", async () => {
    const { page } = await joined("bea", "en-GB");
    const seat = await page.evaluate<string>("sessionStorage['tertulia.seat']");
    const { key } = JSON.parse(seat) as { key: string };
    const url = `ws://127.0.0.1:${served.port}/ws`;
    const device = connect(url, { name: "bea", key, WebSocket });
    const eva = connect(url, { name: "eva", WebSocket });
    const read: number[] = [];
    device.on("read", (mark) => void (mark.conv === "~" && read.push(mark.read)));
    try {
      const { seq } = await eva.publish("~", "one");
      await eventually(() => expect(read.at(-1)).toBe(seq));
      await page.getByRole("radio", { name: "Busy" }).check({ force: true });
      await page.getByRole("button", { name: "Be active" }).click(); // a choice of one's own
      await page.evaluate("aheadMs = -3_600_000");

      await eva.publish("~", "two");
      await eventually(() => expect(read.at(-1)).toBe(seq + 1));
      await device.setStatus("busy");
      await page.locator(".me input[value=busy]:checked").waitFor({ state: "attached" });
      await page.getByText("Messages will wait quietly").waitFor();

      await page.evaluate("aheadMs = 0");
      await device.setStatus("active");
      await page.locator(".me input[value=active]:checked").waitFor({ state: "attached" });
      eva.typing("~");
      await page.getByText("eva is typing").waitFor();
      await page.evaluate("aheadMs = -3_600_000");
      await page.getByText("eva is typing").waitFor({ state: "detached", timeout: 15_000 });
    } finally {
      await Promise.all([device.close(), eva.close()]);
    }
  });
});
