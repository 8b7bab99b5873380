/** Two people, two gateways, real browsers. */
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { connect } from "#tertulia/clients/sdk/tertulia.js";
import { freePort } from "#tertulia/local-redis/server.js";
import { hasBrowser, join, launch, visit, type Person } from "../support/browser.js";
import { eventually } from "../support/eventually.js";
import { node, nodeProcess } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";

const numbers = Array.from({ length: 240 }, (_, index) => index + 1);

describe.skipIf(!hasBrowser())("in a browser", () => {
  let redis: TestRedis;
  let nodes: Awaited<ReturnType<typeof node>>[];
  let browser: Browser;

  beforeAll(async () => {
    redis = await startRedis();
    const environment = { REQUESTS_PER_SECOND: 1_000 };
    nodes = [await node(redis.url, environment), await node(redis.url, environment)];
    browser = await launch();
  });
  afterEach(async () => {
    for (const context of browser.contexts()) await context.close();
  });
  afterAll(async () => {
    await browser?.close();
    for (const each of nodes) await each.close();
    await redis?.close();
  });

  const pair = (one: string, other: string): Promise<[Person, Person]> =>
    Promise.all([join(browser, nodes[0]!.port, one), join(browser, nodes[1]!.port, other)]);
  const shows = (person: Person, ...texts: string[]): Promise<void> =>
    eventually(
      async () => expect((await person.texts()).slice(-texts.length)).toEqual(texts),
      20_000,
    );
  const unread = (person: Person, line: string): Promise<string> =>
    person.page.locator(".conversations .line", { hasText: line }).locator(".badge").innerText();

  test("a name that hides something is refused in the form, with the reason", async () => {
    const { page } = await visit(browser, nodes[0]!.port);
    await page.locator("input[name=name]").fill("ana\u200d");
    await page.locator("input[name=name]").press("Enter");
    await page.locator("#join-problem", { hasText: "hide nothing" }).waitFor();
    await page.locator("input[name=name]").fill("Jose\u0301 👩‍💻");
    await page.locator("input[name=name]").press("Enter");
    await page.locator("#composer").fill("hi");
    await page.locator("#composer").press("Enter");
    await page.locator(".message.own", { hasText: "hi" }).waitFor();
  });

  test("two people on two gateways join, talk to everybody, and see each other", async () => {
    const [ana, bea] = await pair("ana", "bea");
    await ana.says("hello, everybody");
    await shows(bea, "hello, everybody");
    await bea.says("hi ana");
    await shows(ana, "hello, everybody", "hi ana");
    await ana.says("/me waves");
    await shows(bea, "hello, everybody", "hi ana", "* ana waves");
    await shows(ana, "hello, everybody", "hi ana", "* ana waves");
    await ana.page.locator(".person", { hasText: "bea" }).waitFor();
    await eventually(async () => {
      await bea.page.locator("#composer").pressSequentially("wait ");
      expect(await ana.page.locator(".typing").innerText()).toBe("bea is typing…");
    });
    await ana.page.locator(".tick", { hasText: "Sent" }).last().waitFor();
    expect([...ana.complaints, ...bea.complaints]).toEqual([]);
  });

  test("a private conversation is seen by its two users only, and is unread until it is opened", async () => {
    const [cleo, dan] = await pair("cleo", "dan");
    const eva = await join(browser, nodes[0]!.port, "eva");
    await cleo.opens("dan");
    await cleo.says("just for you");
    await cleo.says("really");
    await eventually(async () => expect(await unread(dan, "cleo")).toContain("2 unread"));
    await eventually(async () => expect(await dan.page.title()).toBe("(2) Tertulia"));
    await dan.opens("cleo");
    await shows(dan, "just for you", "really");
    await eventually(async () => expect(await dan.page.title()).toBe("Tertulia"));
    expect(await eva.page.locator(".conversations").innerText()).not.toContain("cleo");
    await dan.page.getByRole("button", { name: "About cleo" }).first().click();
    await dan.page.getByRole("dialog").getByText("Active").waitFor();
  });

  test("while busy, messages are held back and counted, until active again", async () => {
    const [fay, gil] = await pair("fay", "gil");
    await fay.page.getByRole("radio", { name: "Busy" }).check({ force: true });
    await gil.page.locator(".person", { hasText: "fay" }).getByText("Busy").waitFor();
    await gil.says("are you there?");
    await fay.page.getByText("1 message is waiting").waitFor();
    expect(await fay.texts()).not.toContain("are you there?");
    await fay.page.getByRole("button", { name: "Be active" }).click();
    await shows(fay, "are you there?");
    await gil.page
      .locator(".person", { hasText: "fay" })
      .getByText("Busy")
      .waitFor({ state: "detached" });
  });

  test("a message that could not be sent says so, and can be retried", async () => {
    const hal = await join(browser, nodes[0]!.port, "hal");
    await hal.page.locator("#search").fill("ina");
    await hal.page.locator("#search").press("Enter");
    await hal.hasOpen("ina");
    await hal.says("ina?");
    await hal.page.getByText("Nobody of this name has ever been here").waitFor();
    const ina = await join(browser, nodes[1]!.port, "ina");
    await hal.page.getByRole("button", { name: "Try again" }).click();
    await ina.opens("hal");
    await shows(ina, "ina?");
    await shows(hal, "ina?");
    expect(await hal.page.locator(".failed").count()).toBe(0);
  });

  test("drafts stay with their conversation, also after a reload", async () => {
    const [jo, kim] = await pair("jo", "kim");
    await jo.page.locator("#composer").fill("for all, not yet");
    await jo.opens("kim");
    expect(await jo.page.locator("#composer").inputValue()).toBe("");
    await jo.page.reload();
    await jo.page.locator(".chat").waitFor();
    await jo.hasOpen("kim");
    await jo.opens("Everybody");
    expect(await jo.page.locator("#composer").inputValue()).toBe("for all, not yet");
    await jo.page.getByRole("button", { name: "Leave" }).click();
    await jo.page.getByRole("button", { name: "Join" }).waitFor();
    await kim.page.locator(".person", { hasText: "jo" }).waitFor({ state: "detached" });
  });

  test("a held name is refused with the reason; another one is accepted", async () => {
    const [lea] = await pair("lea", "max");
    const other = await visit(browser, nodes[1]!.port);
    await other.page.locator("input[name=name]").fill("lea");
    await other.page.locator("button.primary").click();
    await other.page.getByText("Somebody has this name already").waitFor();
    const wrong = other.page.locator("input[name=name]:focus[aria-invalid=true]");
    await wrong.waitFor(); // to be written anew
    await wrong.pressSequentially(" leo "); // phones add blanks to words
    await other.page.locator("button.primary").click();
    await lea.page.locator(".person", { hasText: "leo" }).waitFor();
  });

  test("when the chat cannot be reached the form says so, and joins as soon as it can", async () => {
    const port = await freePort();
    const environment = { REDIS_URL: redis.url, PORT: port };
    const doomed = await nodeProcess(environment);
    const { page } = await visit(browser, port);
    await page.locator("input[name=name]").fill("nora");
    await doomed.close("SIGKILL");
    await page.locator("button.primary").click();
    await page.getByRole("alert").getByText("The chat cannot be reached").waitFor();
    const again = await nodeProcess(environment);
    await page.locator(".chat").waitFor();
    await again.close();
  });

  test("scrolling up loads history, each message once, and the position stays", async () => {
    const url = `ws://127.0.0.1:${nodes[1]!.port}/ws`;
    const mia = connect(url, { name: "mia", WebSocket });
    const ned = await join(browser, nodes[0]!.port, "ned");
    await Promise.all(numbers.map((n) => mia.publish("@ned", `number ${n}`)));
    await mia.close();
    await ned.page.reload(); // so that all of it is history
    await ned.page.locator(".chat").waitFor();
    await ned.opens("mia");
    await shows(ned, "number 239", "number 240");
    const seen = new Set<string>();
    const jumps: number[] = [];
    const doubles: string[] = [];
    const box = ned.page.locator(".timeline");
    while (!seen.has("number 1") && jumps.length < 300) {
      const shown = await ned.texts();
      for (const text of shown) seen.add(text);
      if (new Set(shown).size !== shown.length) doubles.push(shown.join());
      jumps.push(Math.abs(await box.evaluate(scrollUpAndWatch)));
    }
    expect(doubles).toEqual([]);
    expect(Math.max(...jumps), "a line that was in sight has moved").toBeLessThan(2);
    expect(seen.size).toBe(240);
  });

  test("many own messages make the timeline longer, not the page", async () => {
    const una = await join(browser, nodes[0]!.port, "una");
    for (let i = 1; i <= 30; i++) await una.says(`line ${i}`);
    await shows(una, "line 30");
    await una.page.locator(".tick", { hasText: "Sent" }).last().waitFor();
    const beyond = await una.page.evaluate<number>(
      "document.documentElement.scrollHeight - document.documentElement.clientHeight",
    );
    expect(beyond).toBe(0);
  });

  test("a gateway is killed in the middle: nothing is lost or doubled on the screen", async () => {
    const port = await freePort();
    const environment = { REDIS_URL: redis.url, PORT: port };
    const doomed = await nodeProcess(environment);
    const [olga, pia] = await Promise.all([
      join(browser, port, "olga"),
      join(browser, nodes[1]!.port, "pia"),
    ]);
    await olga.says("one");
    await shows(pia, "one"); // through another gateway: it could be overtaken
    await pia.says("two");
    await shows(olga, "one", "two");
    await doomed.close("SIGKILL");
    await olga.says("three");
    await pia.says("four");
    await olga.page
      .getByText(/Connection lost/)
      .last()
      .waitFor();
    await olga.page.locator(".tick", { hasText: "On its way" }).waitFor();
    const again = await nodeProcess(environment);
    try {
      await shows(pia, "one", "two", "four", "three");
      await shows(olga, "one", "two", "four", "three");
      await olga.page.locator(".banner").waitFor({ state: "detached" });
      await pia.says("five");
      await shows(olga, "two", "four", "three", "five");
      expect([...olga.complaints, ...pia.complaints]).toEqual([]);
    } finally {
      await again.close();
    }
  });
});

/** In the page: scrolls up by most of a screen, and tells how far the line in sight has moved since. */
function scrollUpAndWatch(box: unknown): Promise<number> {
  interface Area {
    scrollTop: number;
    clientHeight: number;
    querySelectorAll(selector: string): Iterable<Area>;
    getBoundingClientRect(): { top: number };
    isConnected: boolean;
  }
  const area = box as Area;
  area.scrollTop = Math.max(0, area.scrollTop - area.clientHeight * 0.8);
  const top = area.getBoundingClientRect().top;
  const line = [...area.querySelectorAll(".message")].find(
    (each) => each.getBoundingClientRect().top >= top,
  );
  const was = line?.getBoundingClientRect().top ?? 0;
  return new Promise((resolve) => {
    // history comes within this time, if it comes
    setTimeout(() => {
      resolve(line?.isConnected ? line.getBoundingClientRect().top - was : Infinity);
    }, 120);
  });
}
