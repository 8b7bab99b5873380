/** A real browser for tests of the page: Debian's Chromium, or the one at CHROMIUM_PATH. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { createInterface } from "node:readline";
import { chromium, type Browser, type BrowserContextOptions, type Page } from "playwright-core";

const PATH = process.env["CHROMIUM_PATH"] ?? "/usr/bin/chromium";

/** Tells so in one line if it is not there. */
export function hasBrowser(): boolean {
  if (existsSync(PATH)) return true;
  console.warn(`skipped: no browser at ${PATH}; apt-get install chromium, or set CHROMIUM_PATH`);
  return false;
}

const ARGUMENTS = [
  "--headless",
  "--host-resolver-rules=MAP lan.test 127.0.0.1", // a machine elsewhere: by http its pages are not secure
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export function launch(flags: readonly string[] = []): Promise<Browser> {
  return chromium.launch({ executablePath: PATH, args: [...ARGUMENTS, ...flags] });
}

export interface Window {
  readonly tab: () => Promise<Page>;
  readonly close: () => Promise<void>;
}

/**
 * A browser's window with tabs of which one is seen, as people have it. In the pages of `launch` each
 * takes itself for the one in front.
 */
export async function openWindow(): Promise<Window> {
  const profile = await mkdtemp(path.join(tmpdir(), "tertulia-window-"));
  const own = [`--user-data-dir=${profile}`, "--remote-debugging-port=0", "--accept-lang=en-GB"];
  const child = spawn(PATH, [...ARGUMENTS, ...own, "about:blank"], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const ended = once(child, "exit");
  let url: string | undefined;
  for await (const line of createInterface(child.stderr)) {
    url = /ws:\S+/.exec(line)?.[0];
    if (url !== undefined) break;
  }
  child.stderr.resume();
  const browser = await chromium.connectOverCDP(url!, { noDefaults: true });
  return {
    tab: () => browser.contexts()[0]!.newPage(),
    close: async () => {
      await browser.close();
      child.kill();
      await ended;
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Somebody at a screen. */
export interface Person {
  readonly page: Page;
  /** What the browser complained of: scripts that failed, policies that were broken. */
  readonly complaints: string[];
  readonly says: (text: string) => Promise<void>;
  /** The messages on the screen, from top to bottom. */
  readonly texts: () => Promise<string[]>;
  /** By a click in the list; resolves when it is open. */
  readonly opens: (name: string) => Promise<void>;
  readonly hasOpen: (name: string) => Promise<void>;
}

export async function visit(
  browser: Browser,
  port: number,
  options: BrowserContextOptions = {},
): Promise<Person> {
  const context = await browser.newContext({ locale: "en-GB", ...options });
  return arrive(await context.newPage(), port);
}

/** In a page that is there already; `at`: what comes behind the port. */
export async function arrive(page: Page, port: number, at = "/"): Promise<Person> {
  page.setDefaultTimeout(30_000); // only what fails takes so long
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(String(error.stack)));
  page.on("console", (line) => {
    // while a gateway is away, each attempt to reach it is an error of the network
    const isNetwork = /ERR_CONNECTION|WebSocket connection/.test(line.text());
    if (line.type() === "error" && !isNetwork) complaints.push(line.text());
  });
  await page.goto(`http://127.0.0.1:${port}${at}`);
  // until then, where one writes is still that of the conversation before
  const hasOpen = (name: string): Promise<void> =>
    page.locator(".talk-title h2", { hasText: name }).waitFor();
  return {
    page,
    complaints,
    async says(text) {
      await page.locator("#composer").fill(text);
      await page.locator("#composer").press("Enter");
    },
    texts: () => page.locator(".message .said").allInnerTexts(),
    async opens(name) {
      const named = page.locator(".line-name", { hasText: name });
      await page.locator(".side .line", { has: named }).first().click();
      await hasOpen(name);
    },
    hasOpen,
  };
}

export async function join(
  browser: Browser,
  port: number,
  name: string,
  options?: BrowserContextOptions,
): Promise<Person> {
  const person = await visit(browser, port, options);
  await enter(person, name);
  return person;
}

/** Fills in the form. */
export async function enter({ page }: Person, name: string): Promise<void> {
  await page.locator("input[name=name]").fill(name);
  await page.locator("input[name=name]").press("Enter");
  await page.locator(".chat").waitFor();
}
