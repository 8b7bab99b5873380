/** Busy on the page: what is shown is what is done, through reloads and outages, on all devices. */
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { connect, type Tertulia } from "#tertulia/clients/sdk/tertulia.js";
import { freePort } from "#tertulia/local-redis/server.js";
import { hasBrowser, join, launch, type Person } from "../support/browser.js";
import { eventually } from "../support/eventually.js";
import { node, nodeProcess } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";

/** Collects what the browser would have shown. */
const NOTIFICATIONS = `
  globalThis.told = [];
  globalThis.Notification = class extends EventTarget {
    static permission = "granted";
    constructor(title) { super(); told.push(title); }
    close() {}
  };
  localStorage["tertulia.notify"] = "true";`;

describe.skipIf(!hasBrowser())("who is busy", () => {
  let redis: TestRedis;
  let served: Awaited<ReturnType<typeof node>>;
  let browser: Browser;
  const friends: Tertulia[] = [];

  beforeAll(async () => {
    redis = await startRedis();
    served = await node(redis.url, { PRESENCE_LINGER_MS: 500 });
    browser = await launch();
  });
  afterEach(async () => {
    for (const context of browser.contexts()) await context.close();
    for (const friend of friends.splice(0)) await friend.close();
  });
  afterAll(async () => {
    await browser?.close();
    await served?.close();
    await redis?.close();
  });

  /** Sees everybody from another place. */
  const friendOf = async (): Promise<Tertulia> => {
    const name = `friend ${friends.length} of ${expect.getState().currentTestName!.length}`;
    const friend = connect(`ws://127.0.0.1:${served.port}/ws`, { name, WebSocket });
    friends.push(friend);
    await friend.presence.watch();
    return friend;
  };
  const sees = (friend: Tertulia, name: string, status: string | undefined): Promise<void> =>
    eventually(() => expect(friend.presence.people.get(name)).toBe(status), 20_000);
  const holds = async ({ page }: Person, count: number): Promise<void> => {
    const words = count === 1 ? "1 message is waiting" : `${count} messages are waiting`;
    await page.getByText(words).waitFor();
    await page.locator(".me input[value=busy]:checked").waitFor({ state: "attached" });
  };
  const beBusy = ({ page }: Person): Promise<void> =>
    page.getByRole("radio", { name: "Busy" }).check({ force: true });

  test("stays busy through a reload, with what was held back, without notifications", async () => {
    const ana = await join(browser, served.port, "ana");
    const friend = await friendOf();
    await friend.publish("~", "before");
    await ana.page.locator(".said", { hasText: "before" }).waitFor();
    await beBusy(ana);
    await sees(friend, "ana", "busy");
    await friend.publish("~", "one");
    await friend.publish("@ana", "two");
    await holds(ana, 2);
    const was: unknown[] = [];
    friend.on("presence", ({ set, gone }) => was.push(...set.map(([, status]) => status), ...gone));
    await ana.page.addInitScript(NOTIFICATIONS);
    await ana.page.reload();
    await ana.page.locator(".chat").waitFor();
    await holds(ana, 2);
    await ana.page.evaluate("document.hasFocus = () => false; dispatchEvent(new Event('blur'))");
    await friend.publish("@ana", "three");
    await holds(ana, 3);
    expect(await ana.texts()).toEqual(["before"]);
    expect(was, "nobody saw anything of it").toEqual([]);
    await ana.page.getByRole("button", { name: "Be active" }).click();
    await sees(friend, "ana", "active");
    await eventually(async () => expect(await ana.texts()).toEqual(["before", "one"]));
    await friend.publish("@ana", "four");
    const told = (): Promise<unknown> => ana.page.evaluate("told");
    await eventually(async () => expect(await told()).toEqual([friend.name]));
    await ana.page.reload();
    await ana.page.locator(".me input[value=active]:checked").waitFor({ state: "attached" });
  });

  test("is busy again after a long absence, unless another device has ended it", async () => {
    const bea = await join(browser, served.port, "bea");
    const friend = await friendOf();
    await beBusy(bea);
    await sees(friend, "bea", "busy");
    const address = bea.page.url();
    await bea.page.goto("about:blank");
    await sees(friend, "bea", undefined);
    await friend.publish("~", "meanwhile");
    await bea.page.goto(address);
    await sees(friend, "bea", "busy");
    await holds(bea, 1);

    const seat = await bea.page.evaluate<string>("sessionStorage['tertulia.seat']");
    const { key } = JSON.parse(seat) as { key: string };
    const url = `ws://127.0.0.1:${served.port}/ws`;
    const phone = connect(url, { name: "bea", key, WebSocket });
    friends.push(phone);
    await phone.joined();
    await bea.page.goto("about:blank");
    await phone.setStatus("active");
    await bea.page.goto(address);
    await bea.page.locator(".me input[value=active]:checked").waitFor({ state: "attached" });
    await bea.page.locator(".said", { hasText: "meanwhile" }).waitFor();
    await sees(friend, "bea", "active");
  });

  test("is busy on every device, also after an outage", async () => {
    const environment = { REDIS_URL: redis.url, PORT: await freePort() };
    const doomed = await nodeProcess(environment);
    const cleo = await join(browser, doomed.port, "cleo");
    const friend = await friendOf();
    await beBusy(cleo);
    await sees(friend, "cleo", "busy");
    await cleo.page.reload();
    await cleo.page.locator(".chat").waitFor();
    await doomed.close("SIGKILL");
    await sees(friend, "cleo", undefined); // its lease is over
    const again = await nodeProcess(environment);
    try {
      await sees(friend, "cleo", "busy");
      await friend.publish("@cleo", "are you back?");
      await holds(cleo, 1);
    } finally {
      await cleo.page.close();
      await again.close();
    }
  });
});
