/** Who is sent away sees why: on the page, on the terminal's screen, in a pipe. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { admin } from "../support/admin.js";
import { hasBrowser, launch } from "../support/browser.js";
import { eventually } from "../support/eventually.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import { closeWindows, HAS_TMUX, openWindow } from "../support/tmux.js";

const TERMINAL = fileURLToPath(new URL("../../dist/clients/tui/main.js", import.meta.url));

let redis: TestRedis;
let served: Awaited<ReturnType<typeof node>>;
beforeAll(async () => {
  redis = await startRedis();
  served = await node(redis.url);
});
afterAll(async () => {
  await served.close();
  await redis.close();
});

describe.skipIf(!hasBrowser())("on the page", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(() => browser?.close());

  const enter = async (name: string, locale: string): Promise<Page> => {
    const page = await (await browser.newContext({ locale })).newPage();
    page.setDefaultTimeout(30_000);
    await page.goto(`http://127.0.0.1:${served.port}/`);
    await page.locator("input[name=name]").fill(name);
    await page.locator("input[name=name]").press("Enter");
    await page.locator(".chat").waitFor();
    return page;
  };
  const banner = (page: Page): Promise<string> => page.locator(".banner-bad span").innerText();

  test("a user who is kicked reads why, and may come back by a click", async () => {
    const page = await enter("kim", "en-GB");
    await admin(redis.url, "kick", "kim", "--reason", "Enough for <b>today</b>");
    await eventually(async () =>
      expect(await banner(page)).toBe(
        "You were sent away from this chat. (kicked: Enough for <b>today</b>)",
      ),
    );
    await page.locator(".banner-bad button").click();
    await eventually(async () => expect(await page.locator(".banner-bad").count()).toBe(0));
    await page.context().close();
  });

  test("a user who is banned reads until when and why, also on coming back, in its language", async () => {
    const page = await enter("mal", "es-ES");
    await admin(redis.url, "ban", "mal", "--for", "2h", "--reason", "spam");
    await eventually(async () =>
      expect(await banner(page)).toMatch(
        /^Te han echado de este chat\. \(banned until .+Z: spam\)$/,
      ),
    );
    await page.locator(".banner-bad button").click();
    await eventually(async () =>
      expect(await banner(page)).toMatch(
        /^Un moderador te ha expulsado\. \(banned until .+Z: spam\)$/,
      ),
    );
    await page.context().close();
  });

  test("a user who is muted reads that the message was not sent", async () => {
    const page = await enter("mia", "en-GB");
    await admin(redis.url, "mute", "mia", "--for", "2h");
    let attempts = 0;
    await eventually(async () => {
      await page.locator("#composer").fill(`psst ${++attempts}`);
      await page.locator("#composer").press("Enter");
      expect(await page.locator(".timeline-frame").innerText()).toMatch(
        /Not sent\. A moderator has muted you/,
      );
    });
    await page.context().close();
  });
});

test("in a pipe, the reason is on the standard error", async () => {
  await admin(redis.url, "ban", "pia", "--reason", "no robots");
  await eventually(async () => {
    const [out, code] = await run("pia");
    expect(out).toContain("A moderator has banned you.");
    expect(out).toContain("banned: no robots");
    expect(code).toBe(2);
  });
});

describe.skipIf(!HAS_TMUX)("on the terminal's screen", () => {
  afterAll(closeWindows);

  test("a user who is kicked reads why", async () => {
    const url = `ws://127.0.0.1:${served.port}/ws`;
    const window = await openWindow("tom", ["--url", url]);
    await eventually(async () => expect(await window.screen()).toContain("tom"));
    await admin(redis.url, "kick", "tom", "--reason", "too loud");
    await eventually(async () =>
      expect(await window.screen()).toMatch(
        /You were sent away from this chat\. \(kicked: too loud\)/,
      ),
    );
  });
});

function run(name: string): Promise<[string, number | null]> {
  const words = [TERMINAL, "--url", `ws://127.0.0.1:${served.port}/ws`, "--name", name, "--listen"];
  const child = spawn(process.execPath, words, { env: { PATH: process.env["PATH"] } });
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
  const enough = setTimeout(() => child.kill(), 5_000);
  return new Promise((resolve) =>
    child.once("close", (code) => {
      clearTimeout(enough);
      resolve([errors, code]);
    }),
  );
}
