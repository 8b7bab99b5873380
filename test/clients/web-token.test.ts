/** The page of a chat whose names are those of tokens, which another site gives to its users. */
import { createHmac } from "node:crypto";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { barriers } from "../support/axe.js";
import { arrive, hasBrowser, launch, visit, type Person } from "../support/browser.js";
import { eventually } from "../support/eventually.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";

const SECRET = "a secret of the site and of the chat";

/** What the site would give its user. */
function tokenOf(sub: string, forSeconds: number, secret = SECRET): string {
  const now = Date.now() / 1_000;
  const parts = [{ alg: "HS256" }, { sub, iat: now - 60, exp: now + forSeconds }];
  const text = parts
    .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
    .join(".");
  return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
}

describe.skipIf(!hasBrowser())("the page of a chat with tokens", () => {
  let redis: TestRedis;
  let served: Awaited<ReturnType<typeof node>>;
  let browser: Browser;

  beforeAll(async () => {
    redis = await startRedis();
    served = await node(redis.url, { IDENTITY: "token", TOKEN_SECRET: SECRET });
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

  const field = "input[type=password]";
  const isTold = (page: Page, what: string): Promise<void> =>
    eventually(async () => expect(await page.locator("#join-problem").innerText()).toBe(what));
  const led = async (token: string): Promise<Person> => {
    const page = await (await browser.newContext({ locale: "en-GB" })).newPage();
    return arrive(page, served.port, `/#token=${token}`);
  };

  test("a link with a token needs one click, and the token goes from the address", async () => {
    const { page, complaints } = await led(tokenOf("añá", 60));
    await page.getByRole("button", { name: "Join as añá" }).click();
    await page.locator(".chat").waitFor();
    expect(page.url()).not.toContain("token");
    await page.goBack().catch(() => undefined);
    expect(page.url()).not.toContain("token=");
    expect(complaints).toEqual([]);
  });

  test("a link with another user's token, in a tab that another one has used, is for that user", async () => {
    const { page } = await led(tokenOf("gil", 60));
    await page.getByRole("button", { name: "Join as gil" }).click();
    await page.locator(".chat").waitFor();
    await page.goto("about:blank"); // as the site that gives tokens
    await arrive(page, served.port, `/#token=${tokenOf("hal", 60)}`);
    await page.getByRole("button", { name: "Join as hal" }).click();
    await page.locator(".chat").waitFor();
  });

  test("a token can be pasted; the tab keeps it until its user leaves", async () => {
    const { page } = await visit(browser, served.port);
    await page.locator(`${field}:focus`).waitFor();
    expect(await barriers(page)).toEqual([]);
    await page.keyboard.insertText(` ${tokenOf("bea", 60)} `);
    await page.keyboard.press("Enter");
    await page.locator(".chat").waitFor();
    await page.reload();
    await page.locator(".chat").waitFor();
    await page.getByRole("button", { name: "Leave" }).click();
    await page.locator(field).waitFor();
    expect(await page.locator(field).inputValue()).toBe("");
    expect(await page.evaluate<string>("JSON.stringify({ ...sessionStorage })")).not.toMatch(/eyJ/);
  });

  test.each([
    ["no token", "nonsense"],
    ["a token of another issuer", tokenOf("cai", 60, "another secret")],
  ])("%s is told", async (_, token) => {
    const { page } = await visit(browser, served.port);
    await page.locator(field).fill(token);
    await page.keyboard.press("Enter");
    await isTold(page, "The chat does not take this token. Get a new one.");
    await page.locator(`${field}:focus`).waitFor();
  });

  test("when a token expires, the form asks for a new one, and a link with one is enough", async () => {
    const { page } = await led(tokenOf("dan", -3)); // within the leeway
    await page.getByRole("button", { name: "Join as dan" }).click();
    await isTold(page, "Your token has expired. Get a new one.");
    expect(await page.locator(".chat").count()).toBe(0);
    await page.evaluate(`location.hash = "token=${tokenOf("dan", 60)}"`);
    await page.getByRole("button", { name: "Join as dan" }).click();
    await page.locator(".chat").waitFor();
  });
});
