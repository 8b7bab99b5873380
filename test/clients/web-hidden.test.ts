/** The page while nobody sees it, and when it wakes up. */
import type { Browser, WebSocket as Socket } from "playwright-core";
import { WebSocket } from "ws";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { connect, type Tertulia } from "#tertulia/clients/sdk/tertulia.js";
import { freePort } from "#tertulia/local-redis/server.js";
import { arrive, enter, hasBrowser, launch, openWindow, type Window } from "../support/browser.js";
import { eventually } from "../support/eventually.js";
import { node, nodeProcess } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";

describe.skipIf(!hasBrowser())("the page", () => {
  let redis: TestRedis;
  let served: Awaited<ReturnType<typeof node>>;
  let window: Window;
  let browser: Browser;
  let bea: Tertulia;

  beforeAll(async () => {
    redis = await startRedis();
    served = await node(redis.url, { REQUESTS_PER_SECOND: 1_000 });
    [window, browser] = await Promise.all([openWindow(), launch()]);
    bea = connect(`ws://127.0.0.1:${served.port}/ws`, { name: "bea", WebSocket });
  });
  afterEach(async () => {
    for (const context of browser.contexts()) await context.close();
  });
  afterAll(async () => {
    await bea?.close();
    await window?.close();
    await browser?.close();
    await served?.close();
    await redis?.close();
  });

  test("in a hidden tab, title and counts are updated", async () => {
    const page = await window.tab();
    const ana = await arrive(page, served.port);
    await enter(ana, "ana");
    const other = await window.tab();
    let sent = 0;
    const says = (): Promise<unknown> => bea.publish("@ana", `message ${++sent}`);
    await says();
    await eventually(async () => expect(await page.title()).toBe("(1) Tertulia"));
    for (let turn = 0; turn < 5; turn++) {
      await page.bringToFront();
      const hiding = other.bringToFront(); // in the middle of a draw, sooner or later
      await Promise.all([hiding, ...Array.from({ length: 20 }, says)]);
      await eventually(async () => expect(await page.evaluate("document.hidden")).toBe(true));
      await eventually(async () => expect(await page.title()).toBe(`(${sent}) Tertulia`));
    }
    const line = page.locator(".conversations .line", { hasText: "bea" });
    await eventually(async () =>
      expect(await line.innerText()).toMatch(new RegExp(`message ${sent}`)),
    );
    expect(ana.complaints).toEqual([]);
  });

  test("without animation frames the page is rendered all the same", async () => {
    const page = await (await browser.newContext({ locale: "en-GB" })).newPage();
    await page.addInitScript("globalThis.requestAnimationFrame = () => 0");
    await enter(await arrive(page, served.port), "cleo");
    await bea.publish("@cleo", "psst");
    await eventually(async () => expect(await page.title()).toBe("(1) Tertulia"));
  });

  test("when the network is back, the page reconnects at once", async () => {
    const port = await freePort();
    const environment = { REDIS_URL: redis.url, PORT: port };
    const doomed = await nodeProcess(environment);
    const context = await browser.newContext({ locale: "en-GB" });
    const page = await context.newPage();
    await page.clock.install();
    const sockets: Socket[] = [];
    page.on("websocket", (socket) => sockets.push(socket));
    await enter(await arrive(page, port), "dan");
    await page.clock.pauseAt(new Date(Date.now() + 3_600_000)); // no timer fires from here on
    await doomed.close("SIGKILL");
    // before the network is away: a browser without one may not tell of what is closed there
    await eventually(() => expect(sockets.every((each) => each.isClosed())).toBe(true));
    await context.setOffline(true);
    const again = await nodeProcess(environment);
    const before = sockets.length;
    await context.setOffline(false);
    await eventually(() => expect(sockets.length).toBeGreaterThan(before));
    await eventually(async () => expect(await bea.user("dan")).toBe("active"));
    await again.close();
  });

  test("after sleep, the page probes its connection at once", async () => {
    const page = await (await browser.newContext({ locale: "en-GB" })).newPage();
    await page.clock.install();
    let pings = 0;
    page.on("websocket", (socket) =>
      socket.on("framesent", ({ payload }) => {
        if (payload.toString().includes(`"ping"`)) pings++;
      }),
    );
    await enter(await arrive(page, served.port), "eve");
    await page.clock.runFor(4_000);
    expect(pings).toBe(0);
    await page.clock.fastForward(8_000); // as when the lid is closed: sooner than any silence is asked about
    await eventually(() => expect(pings).toBe(1));
  });
});
