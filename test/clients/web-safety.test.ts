/** What others write is text, whatever it looks like; and the page's policy holds. */
import type { Browser } from "playwright-core";
import { WebSocket } from "ws";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connect } from "#tertulia/clients/sdk/tertulia.js";
import { hasBrowser, join, launch, visit } from "../support/browser.js";
import { eventually } from "../support/eventually.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";

const ATTACKS = [
  `<img src=x onerror="document.title='owned'">`,
  `<script>document.title='owned'</script>`,
  `"><svg/onload=document.title='owned'>`,
  `javascript:document.title='owned'`,
  `data:text/html,<script>document.title='owned'</script>`,
  `&lt;b&gt; {{7*7}} \${7*7} __proto__`,
];

interface Window {
  getComputedStyle(element: unknown): { readonly unicodeBidi: string };
}

describe.skipIf(!hasBrowser())("the page", () => {
  let redis: TestRedis;
  let served: Awaited<ReturnType<typeof node>>;
  let browser: Browser;

  beforeAll(async () => {
    redis = await startRedis();
    served = await node(redis.url);
    browser = await launch();
  });
  afterAll(async () => {
    await browser?.close();
    await served?.close();
    await redis?.close();
  });

  test("the browser requests one file and a WebSocket, and the policy allows both", async () => {
    const { page, complaints } = await visit(browser, served.port);
    const asked: string[] = [];
    page.on("request", (request) => asked.push(request.url()));
    await page.reload();
    await page.locator("input[name=name]").fill("one file");
    await page.locator("input[name=name]").press("Enter");
    await page.locator(".chat").waitFor();
    const http = asked.filter((url) => url.startsWith("http"));
    expect(http).toEqual([`http://127.0.0.1:${served.port}/`]);
    expect(complaints).toEqual([]);
  });

  test("markup in texts and names is shown as text", async () => {
    const ana = await join(browser, served.port, "ana");
    const url = `ws://127.0.0.1:${served.port}/ws`;
    const name = "<b onclick=x>mallory</b>";
    const mallory = connect(url, { name, WebSocket });
    for (const text of ATTACKS) {
      await mallory.publish("~", text);
      await mallory.publish("@ana", text);
    }
    await eventually(async () => expect(await ana.texts()).toEqual(ATTACKS));
    await ana.opens("mallory");
    await eventually(async () => expect(await ana.texts()).toEqual(ATTACKS));
    expect(await ana.page.locator(".talk-title h2").innerText()).toBe(name);
    expect(await ana.page.locator(".said *, bdi img, bdi script, bdi b").count()).toBe(0);
    expect(await ana.page.title()).not.toContain("owned");
    expect(ana.complaints).toEqual([]);
    await mallory.close();
  });

  test("links lead to the host they show, with http and https only", async () => {
    const { page, says } = await join(browser, served.port, "links");
    for (const [text, href] of [
      ["see https://example.org/a?b=c.", "https://example.org/a?b=c"],
      ["(http://example.org)", "http://example.org/"],
      ["HTTPS://EXAMPLE.ORG/X!", "https://example.org/X"],
      ["https://m\u00fcller.example", "https://xn--mller-kva.example/"],
      ["https://example.org@evil.example", undefined],
      ["https://example.org/\u202Egpj.exe", "https://example.org/"],
      ["ftp://example.org javascript:alert(1) file:///etc/passwd", undefined],
      ["https://", undefined],
    ] as const) {
      await says(text);
      const said = page.locator(".said").last();
      await eventually(async () => expect(await said.innerText()).toBe(text));
      const links = await said
        .locator("a")
        .evaluateAll((all: unknown[]) =>
          (all as { href: string; target: string; rel: string }[]).map((a) => [
            a.href,
            a.target,
            a.rel,
          ]),
        );
      expect(links).toEqual(href === undefined ? [] : [[href, "_blank", "noopener noreferrer"]]);
    }
    // a host that looks like another is shown as the one it is
    await says("https://bank.ex\u0430mple");
    const link = `document.querySelector(".said a[data-host='bank.xn--exmple-4nf']")`;
    await eventually(async () =>
      expect(await page.evaluate<string>(`getComputedStyle(${link}, "::after").content`)).toMatch(
        /attr\(data-host\)|bank\.xn--exmple-4nf/,
      ),
    );
  });

  test("direction marks do not affect the text around a message", async () => {
    const { page, says } = await join(browser, served.port, "rtl");
    await says("\u202E\u2067 turned");
    const said = page.locator(".said", { hasText: "turned" });
    const bidi = (): Promise<string> =>
      said.evaluate(
        (element: unknown) =>
          (globalThis as unknown as Window).getComputedStyle(element).unicodeBidi,
      );
    // isolates, and finds the direction of each line by itself; its line is another once it is stored
    await eventually(async () => expect(await bidi()).toBe("plaintext"));
  });

  test("the policy blocks inline scripts, inline styles and requests to other hosts", async () => {
    const { page } = await join(browser, served.port, "policy");
    const broken = await page.evaluate<string[]>(`(async () => {
      const broken = [];
      document.addEventListener("securitypolicyviolation", ({ effectiveDirective }) =>
        broken.push(effectiveDirective));
      const script = document.createElement("script");
      script.textContent = "document.title = 'owned'";
      document.body.append(script);
      document.body.setAttribute("style", "color: red");
      await fetch("http://localhost:1/").catch(() => {});
      for (let i = 0; i < 100 && broken.length < 3; i++)
        await new Promise((resolve) => setTimeout(resolve, 50));
      return broken;
    })()`);
    expect(broken.toSorted()).toEqual(["connect-src", "script-src-elem", "style-src-attr"]);
    expect(await page.title()).not.toBe("owned");
  });
});
