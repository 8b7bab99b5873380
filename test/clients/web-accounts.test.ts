/** The page where names belong to whoever has the password: registering, logging in, and being logged out. */
import type { Browser, Page } from "playwright-core";
import { WebSocket } from "ws";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { connect, logIn, type Tertulia } from "#tertulia/clients/sdk/tertulia.js";
import { admin } from "../support/admin.js";
import { barriers } from "../support/axe.js";
import { hasBrowser, launch, visit, type Person } from "../support/browser.js";
import { eventually } from "../support/eventually.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";

const PASSWORD = "correct horse";
const PHONE = { viewport: { width: 360, height: 640 }, hasTouch: true, isMobile: true };

describe.skipIf(!hasBrowser())("the page of a chat with accounts", () => {
  let redis: TestRedis;
  let served: Awaited<ReturnType<typeof node>>;
  let closed: Awaited<ReturnType<typeof node>>;
  let browser: Browser;
  const clients: Tertulia[] = [];

  beforeAll(async () => {
    redis = await startRedis();
    served = await node(redis.url, { IDENTITY: "accounts" });
    closed = await node(redis.url, { IDENTITY: "accounts", REGISTRATION: "closed" });
    browser = await launch();
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) await client.close();
    for (const context of browser.contexts()) await context.close();
  });
  afterAll(async () => {
    await browser?.close();
    await served?.close();
    await closed?.close();
    await redis?.close();
  });

  const registers = async ({ page }: Person, name: string, password = PASSWORD): Promise<void> => {
    await page.getByRole("button", { name: "Create an account" }).click();
    await page.locator("input[name=name]").fill(name);
    await page.keyboard.press("Tab");
    await page.keyboard.type(password);
    await page.keyboard.press("Enter");
  };
  const logsIn = async ({ page }: Person, name: string, password = PASSWORD): Promise<void> => {
    await page.locator("input[name=name]").fill(name);
    await page.locator("input[name=password]").fill(password);
    await page.keyboard.press("Enter");
  };
  const registered = async (name: string): Promise<Person> => {
    const person = await visit(browser, served.port);
    await registers(person, name);
    await person.page.locator(".chat").waitFor();
    return person;
  };
  const problem = (page: Page): Promise<string> => page.locator("#join-problem").innerText();
  const isTold = (page: Page, what: string | RegExp): Promise<void> =>
    eventually(async () => expect(await problem(page)).toMatch(what));
  const device = async (name: string): Promise<Tertulia> => {
    const url = `ws://127.0.0.1:${served.port}/ws`;
    const session = await logIn(url, { name, password: PASSWORD, WebSocket, client: "test" });
    const client = connect(url, { name, session, WebSocket });
    client.on("error", () => {});
    clients.push(client);
    await client.joined();
    return client;
  };

  test("a user registers, and is the same user on a second device after logging in there", async () => {
    const first = await registered("ana");
    await first.says("from the first");
    const second = await visit(browser, served.port, PHONE);
    await logsIn(second, "ana");
    await second.page.locator(".chat").waitFor();
    await eventually(async () => expect(await second.texts()).toEqual(["from the first"]));
    await second.says("from the second");
    await eventually(async () =>
      expect(await first.texts()).toEqual(["from the first", "from the second"]),
    );
    expect(await first.page.locator(".message.own").count()).toBe(2);
    expect([...first.complaints, ...second.complaints]).toEqual([]);
  });

  test("the browser keeps a login session for all its tabs, and never the password", async () => {
    const { page } = await registered("bea");
    await page.reload();
    await page.locator(".chat").waitFor();
    const tab = await page.context().newPage();
    await tab.goto(`http://127.0.0.1:${served.port}/`);
    await tab.getByRole("button", { name: "Join the conversation" }).click();
    await tab.locator(".chat").waitFor();
    const kept = await tab.evaluate<string>(
      "JSON.stringify([{ ...localStorage }, { ...sessionStorage }, location.href, history.state])",
    );
    expect(kept).toContain("login.bea");
    expect(kept).not.toContain(PASSWORD);
  });

  test("who logs out has to log in again, in every tab, and the login session is over", async () => {
    const { page } = await registered("cai");
    const tab = await page.context().newPage();
    await tab.goto(`http://127.0.0.1:${served.port}/`);
    await tab.getByRole("button", { name: "Join the conversation" }).click();
    await tab.locator(".chat").waitFor();
    await page.getByRole("button", { name: "Log out" }).click();
    await page.locator("input[name=password]").waitFor();
    expect(await page.locator("input[name=name]").inputValue()).toBe("cai");
    expect(await problem(page)).toBe("");
    await isTold(tab, "Your login was ended. Log in again.");
    expect(await tab.locator(".message").count()).toBe(0);
    await page.reload();
    await page.locator("input[name=password]").waitFor();
    const sessions = await (await device("cai")).sessions();
    expect(sessions.map(({ client }) => client)).toEqual(["test"]);
  });

  test("a wrong password is told and selected, as of a name that nobody has", async () => {
    await registered("dan");
    const other = await visit(browser, served.port);
    await logsIn(other, "nobody", "wrong horse");
    await isTold(other.page, "Name and password do not fit together.");
    const stranger = await visit(browser, served.port);
    const { page } = stranger;
    await logsIn(stranger, "dan", "wrong horse");
    await isTold(page, "Name and password do not fit together.");
    const field = page.locator("input[name=password]");
    expect(await field.getAttribute("aria-invalid")).toBe("true");
    await page.locator("input[name=password]:focus").waitFor();
    await page.keyboard.type(PASSWORD); // replaces the wrong one
    expect(await field.inputValue()).toBe(PASSWORD);
    await page.keyboard.press("Enter");
    await page.locator(".chat").waitFor();
  });

  test("after too many attempts, the page says when to try again", async () => {
    await registered("eva");
    const url = `ws://127.0.0.1:${served.port}/ws`;
    const wrong = { name: "eva", password: "wrong horse", WebSocket };
    for (let code = ""; code !== "too_many_attempts";) {
      code = await logIn(url, wrong).catch((error: { code: string }) => error.code);
    }
    const stranger = await visit(browser, served.port);
    await logsIn(stranger, "eva");
    await isTold(stranger.page, /^Too many attempts\. Try again in \d+ s\.$/);
  });

  test("to register, a name must be free, and a password long enough", async () => {
    await registered("fay");
    const other = await visit(browser, served.port);
    const { page } = other;
    await registers(other, "fay", "another horse");
    await isTold(page, "Somebody has this name already. Choose another one.");
    await page.locator("input[name=name]:focus").waitFor();
    await page.keyboard.type("fay 2"); // the name is selected
    await page.locator("input[name=password]").fill("short");
    await page.keyboard.press("Enter");
    await isTold(page, "A password needs 8 characters or more.");
    await page.locator("input[name=password]").fill(PASSWORD);
    await page.keyboard.press("Enter");
    await page.locator(".chat").waitFor();
    expect(await page.locator(".me-name bdi").innerText()).toBe("fay 2");
  });

  test("where the operator makes the accounts, nobody is led to register", async () => {
    const { page } = await visit(browser, closed.port);
    await page.locator("input[name=password]").waitFor();
    expect(await page.getByRole("button", { name: "Create an account" }).count()).toBe(0);
  });

  test("a login that is ended elsewhere leaves nothing of the chat on the screen", async () => {
    const { page, says } = await registered("gil");
    await says("private thoughts");
    await page.locator(".tick").waitFor();
    await (await device("gil")).sessions({ end: "others" });
    await isTold(page, "Your login was ended. Log in again.");
    expect(await page.locator("body").innerText()).not.toContain("private thoughts");
    await page.locator("input[name=password]").fill(PASSWORD);
    await page.keyboard.press("Enter");
    await page.locator(".chat").waitFor();
  });

  test("a login that is ended takes no newer one of this browser along", async () => {
    const { page } = await registered("jan");
    const next = await device("jan");
    await page.evaluate(`localStorage["tertulia.login.jan"] = '${JSON.stringify(next.session)}'`);
    await next.sessions({ end: "others" });
    await isTold(page, "Your login was ended. Log in again.");
    await page.getByRole("button", { name: "Join the conversation" }).click();
    await page.locator(".chat").waitFor();
  });

  test("a password that the operator sets anew ends the login of a page that was away", async () => {
    const { page } = await registered("hal");
    await page.goto("about:blank");
    expect(await admin(redis.url, "password", "hal")).toMatchObject({ code: 0 });
    await page.goto(`http://127.0.0.1:${served.port}/`);
    await isTold(page, "You are not logged in any more. Your password, please.");
    await page.locator("input[name=password]").waitFor();
  });

  test("a banned user reads so in the form", async () => {
    const { page } = await registered("ian");
    await page.context().close();
    await admin(redis.url, "ban", "ian", "--for", "2h", "--reason", "spam");
    await eventually(() => expect(device("ian")).rejects.toMatchObject({ code: "banned" }));
    const again = await visit(browser, served.port);
    await logsIn(again, "ian");
    await isTold(again.page, /^A moderator has banned you\.(?: \(banned until .+Z: spam\))?$/);
  });

  test.each([
    ["light", "en-GB", "Create an account", "Show the password"],
    ["dark", "es-ES", "Crear una cuenta", "Mostrar la contraseña"],
  ] as const)("on a phone, %s, %s, with a finger", async (colorScheme, locale, create, show) => {
    const { page } = await visit(browser, served.port, { ...PHONE, colorScheme, locale });
    await page.getByRole("button", { name: create }).tap();
    await page.locator("input[name=name]").fill(`jo ${locale}`);
    const field = page.locator("input[name=password]");
    await field.fill("short");
    await page.getByRole("button", { name: show }).tap();
    await eventually(async () => expect(await field.getAttribute("type")).toBe("text"));
    await page.locator(".primary").tap();
    await isTold(page, /8 char|8 carac/);
    expect(await barriers(page)).toEqual([]);
    const sticksOut = "document.documentElement.scrollWidth - innerWidth";
    expect(await page.evaluate<number>(sticksOut)).toBe(0);
    await field.fill(PASSWORD);
    await page.locator(".primary").tap();
    await page.locator(".chat").waitFor();
  });
});
