/** What the chat keeps of a user, as a file of the page; and leaving for good. */
import { readFile } from "node:fs/promises";
import type { Browser, Page } from "playwright-core";
import { WebSocket } from "ws";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { connect, logIn, register } from "#tertulia/clients/sdk/tertulia.js";
import { barriers } from "../support/axe.js";
import { hasBrowser, join, launch, visit, type Person } from "../support/browser.js";
import { eventually } from "../support/eventually.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";

const PASSWORD = "correct horse";

describe.skipIf(!hasBrowser())("on the page", () => {
  let redis: TestRedis;
  let open: Awaited<ReturnType<typeof node>>;
  let accounts: Awaited<ReturnType<typeof node>>;
  let browser: Browser;

  beforeAll(async () => {
    redis = await startRedis();
    open = await node(redis.url);
    accounts = await node(redis.url, { IDENTITY: "accounts", REDIS_PREFIX: "accounts" });
    browser = await launch();
  });
  afterEach(async () => {
    for (const context of browser.contexts()) await context.close();
  });
  afterAll(async () => {
    await browser?.close();
    await open?.close();
    await accounts?.close();
    await redis?.close();
  });

  const unfolds = async (page: Page, title: string): Promise<void> => {
    if (await page.locator(".back").isVisible()) await page.locator(".back").click();
    await page.locator(".me-name").click();
    await page.locator("summary", { hasText: title }).click();
  };
  const isTold = (page: Page, what: string): Promise<void> =>
    eventually(async () => expect(await page.locator("#join-problem").innerText()).toBe(what));
  const entersWithPassword = async (name: string): Promise<Person> => {
    const url = `ws://127.0.0.1:${accounts.port}/ws`;
    await register(url, { name, password: PASSWORD, WebSocket });
    const person = await visit(browser, accounts.port);
    await person.page.locator("input[name=name]").fill(name);
    await person.page.locator("input[name=password]").fill(PASSWORD);
    await person.page.keyboard.press("Enter");
    await person.page.locator(".chat").waitFor();
    return person;
  };

  test("all that is kept of a user is one file", async () => {
    const { page, says, complaints } = await join(browser, open.port, "ana");
    await says("for the file");
    await page.locator(".tick").waitFor();
    await unfolds(page, "Export my data");
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "Export my data" }).click(),
    ]);
    expect(download.suggestedFilename()).toBe("tertulia ana.json");
    const text = await readFile(await download.path(), "utf8");
    expect(JSON.stringify(JSON.parse(text))).toContain("for the file");
    await page.getByText("Done.").waitFor();
    expect(complaints).toEqual([]);
  });

  test("who leaves for good is asked twice; then the texts have no name, and the browser nothing", async () => {
    const { page, says } = await join(browser, open.port, "bea");
    await says("bea was here");
    await page.locator(".tick").first().waitFor();
    await page.locator("#composer").fill("an unfinished thought");
    await unfolds(page, "Leave for good");
    await page.getByRole("button", { name: "Leave for good" }).click();
    await page.getByText("This cannot be undone.").waitFor();
    expect(await barriers(page)).toEqual([]);
    await page.getByRole("button", { name: "Yes, leave for good" }).click();
    await isTold(page, "You have left this chat for good.");
    const kept = await page.evaluate<string>(
      "JSON.stringify([{ ...localStorage }, { ...sessionStorage }])",
    );
    expect(kept).not.toMatch(/bea|unfinished/);
    expect(await page.locator("input[name=name]").inputValue()).toBe("");
    await eventually(async () => {
      const reader = await join(browser, open.port, "cai");
      const said = reader.page.locator(".speaker", { hasText: "bea was here" });
      const author = await said.locator(".author").innerText();
      await reader.page.context().close();
      expect(author).toBe("Somebody who has left");
    });
  });

  test("with an account it takes the password, and then nobody logs in by it", async () => {
    const dan = await entersWithPassword("dan");
    const eva = await entersWithPassword("eva");
    const { page } = dan;
    await dan.says("to be forgotten");
    await eventually(async () => expect(await eva.texts()).toEqual(["to be forgotten"]));
    await unfolds(page, "Leave for good");
    await page.getByRole("button", { name: "Leave for good" }).click();
    await page.locator("dialog input[name=password]").fill("wrong horse");
    await page.keyboard.press("Enter");
    await eventually(async () =>
      expect(await page.locator("dialog").innerText()).toContain(
        "Name and password do not fit together.",
      ),
    );
    await page.locator("dialog input[name=password]").fill(PASSWORD);
    await page.keyboard.press("Enter");
    await isTold(page, "You have left this chat for good.");
    const url = `ws://127.0.0.1:${accounts.port}/ws`;
    await expect(logIn(url, { name: "dan", password: PASSWORD, WebSocket })).rejects.toMatchObject({
      code: "bad_credentials",
    });
    await eventually(async () => {
      await eva.page.reload();
      await eva.page
        .locator(".author", { hasText: "Somebody who has left" })
        .waitFor({ timeout: 1_000 });
    });
  });

  test("what one wrote goes along, if one wants that", async () => {
    const gil = await join(browser, open.port, "gil");
    const hal = await join(browser, open.port, "hal");
    await gil.says("to be forgotten");
    await eventually(async () => expect(await hal.texts()).toContain("to be forgotten"));
    await unfolds(gil.page, "Leave for good");
    await gil.page.getByRole("button", { name: "Leave for good" }).click();
    await gil.page.locator("select[name=what]").selectOption({ label: "goes, too" });
    await gil.page.getByRole("button", { name: "Yes, leave for good" }).click();
    await isTold(gil.page, "You have left this chat for good.");
    await eventually(async () => {
      await hal.page.reload(); // until then it has what it has heard
      await hal.page.locator(".message").last().waitFor({ timeout: 1_000 });
      expect((await hal.texts()).at(-1)).toBe("Removed");
    });
    expect(await hal.page.content()).not.toContain("to be forgotten");
  });

  test("who leaves for good on another device sees the form, and why", async () => {
    const { page } = await entersWithPassword("fay");
    const url = `ws://127.0.0.1:${accounts.port}/ws`;
    const session = await logIn(url, { name: "fay", password: PASSWORD, WebSocket });
    const phone = connect(url, { name: "fay", session, WebSocket });
    await phone.unregister({ password: PASSWORD });
    await isTold(page, "You have left this chat for good.");
    await phone.close();
  });
});
