/** Moderators act on the page, by the card of a user; and who has no role is offered nothing of it. */
import { createHmac } from "node:crypto";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { barriers } from "../support/axe.js";
import { arrive, hasBrowser, launch, type Person } from "../support/browser.js";
import { eventually } from "../support/eventually.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";

const SECRET = "a secret of the site and of the chat";

describe.skipIf(!hasBrowser())("on the page", () => {
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

  const enters = async (sub: string, role?: string, options = {}): Promise<Person> => {
    const now = Date.now() / 1_000;
    const text = [{ alg: "HS256" }, { sub, role, iat: now - 1, exp: now + 600 }]
      .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
      .join(".");
    const token = `${text}.${createHmac("sha256", SECRET).update(text).digest("base64url")}`;
    const page = await (await browser.newContext({ locale: "en-GB", ...options })).newPage();
    const person = await arrive(page, served.port, `/#token=${token}`);
    await page.locator(".primary").click();
    await page.locator(".chat").waitFor();
    return person;
  };
  const cardOf = async ({ page }: Person, user: string): Promise<void> => {
    await page.locator(".person", { hasText: user }).hover();
    await page
      .getByRole("button", { name: `About ${user}` })
      .first()
      .click();
    await page.getByRole("dialog", { name: user }).waitFor();
  };
  const moderates = async (person: Person, user: string): Promise<Page> => {
    await cardOf(person, user);
    await person.page.locator("summary", { hasText: "Moderate" }).click();
    return person.page;
  };
  const outcome = (page: Page, what: string): Promise<void> =>
    page.locator(".fold [role=status]", { hasText: what }).waitFor();
  const banner = (page: Page, what: RegExp): Promise<void> =>
    eventually(async () =>
      expect(await page.locator(".banner-bad span").innerText()).toMatch(what),
    );

  test("a moderator kicks, mutes and bans a user, who reads why; and lifts it again", async () => {
    const olga = await enters("olga", "moderator");
    const mal = await enters("mal");
    const page = await moderates(olga, "mal");
    await page.locator("input[name=reason]").fill("too <b>loud</b>");
    await page.keyboard.press("Enter");
    await outcome(page, "Done.");
    await banner(mal.page, /^You were sent away from this chat\. \(kicked: too <b>loud<\/b>\)$/);
    await mal.page.locator(".banner-bad button").click();
    await eventually(async () => expect(await mal.page.locator(".banner-bad").count()).toBe(0));

    await page.locator("select").first().selectOption("mute");
    await page.locator("select[name=for]").selectOption({ label: "an hour" });
    expect(await barriers(page)).toEqual([]);
    await page.getByRole("button", { name: "Mute", exact: true }).click();
    await outcome(page, "Done.");
    let attempts = 0;
    await eventually(async () => {
      await mal.says(`psst ${++attempts}`);
      expect(await mal.page.locator(".timeline-frame").innerText()).toMatch(/has muted you/);
    });

    await page.locator("select").first().selectOption("ban");
    await page.locator("select[name=for]").selectOption({ label: "a day" });
    await page.locator("input[name=reason]").fill("spam");
    await page.getByRole("button", { name: "Ban", exact: true }).click();
    await banner(mal.page, /^You were sent away from this chat\. \(banned until .+Z: spam\)$/);
    await page.locator(".card-close").click();

    await page.locator(".me-name").click();
    await page.getByText("Moderator", { exact: true }).waitFor();
    await page.locator("summary", { hasText: "Bans and mutes" }).click();
    const entries = page.locator(".entries li b");
    const list = (...all: string[]): Promise<void> =>
      eventually(async () => expect((await entries.allInnerTexts()).toSorted()).toEqual(all));
    await list("Ban: mal", "Mute: mal");
    expect(await barriers(page)).toEqual([]);
    await page.locator(".entries li", { hasText: "Ban" }).getByRole("button").click();
    await list("Mute: mal");
    await page.locator(".entries button").click();
    await page.getByText("Nobody is banned or muted.").waitFor();
    await eventually(async () => {
      await mal.page.locator(".banner-bad button").click({ timeout: 1_000 });
      await mal.page.locator(".chat[data-line=open]").waitFor({ timeout: 1_000 });
    });
    expect(olga.complaints).toEqual([]);
  });

  test("nobody acts on a user with as high a role, and is told so", async () => {
    const one = await enters("one", "moderator");
    await enters("two", "moderator");
    const page = await moderates(one, "two");
    await page.getByRole("button", { name: "Kick", exact: true }).click();
    await outcome(page, "That is not allowed.");
  });

  test("a user is offered nothing of it", async () => {
    const ana = await enters("ana");
    await enters("bea");
    await cardOf(ana, "bea");
    expect(await ana.page.getByText(/Moderate|Kick/).count()).toBe(0);
  });
});
