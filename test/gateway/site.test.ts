/** The page as the gateway serves it: fresh where it must be, kept where it may be, and fenced in. */
import { createHash } from "node:crypto";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readStaticSite } from "#tertulia/gateway/static-site.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";

let redis: TestRedis;
let served: Awaited<ReturnType<typeof node>>;
const get = (path: string, init?: RequestInit): Promise<Response> =>
  fetch(`http://127.0.0.1:${served.port}${path}`, init);

beforeAll(async () => {
  redis = await startRedis();
  served = await node(redis.url);
});
afterAll(async () => {
  await served?.close();
  await redis?.close();
});

test("the page is one file, which nobody keeps", async () => {
  const page = await get("/");
  const html = await page.text();
  expect(page.headers.get("content-type")).toBe("text/html; charset=utf-8");
  expect(page.headers.get("cache-control")).toBe("no-store");
  // behind a balancer, the next request may reach a gateway of another version
  const references = [...html.matchAll(/<(?:script|link|img)[^>]*?(?:src|href)="([^"]*)/g)];
  expect(references.map(([, to]) => to!.slice(0, 19))).toEqual(["data:image/svg+xml,"]);
  expect(html).not.toMatch(/\bimport\(/);
});

test("the page's policy forbids foreign resources, connections and frames", async () => {
  const { headers, html } = await get("/").then(async (page) => ({
    headers: page.headers,
    html: await page.text(),
  }));
  const hashOf = (text: string): string =>
    `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
  const host = `127.0.0.1:${served.port}`;
  expect(headers.get("content-security-policy")?.split("; ")).toEqual([
    "default-src 'none'",
    `script-src ${hashOf(/<script[^>]*>(.*)<\/script>/s.exec(html)![1]!)}`,
    `style-src ${hashOf(/<style[^>]*>(.*)<\/style>/s.exec(html)![1]!)}`,
    `connect-src 'self' ws://${host} wss://${host}`,
    "img-src 'self' data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ]);
  expect(headers.get("x-content-type-options")).toBe("nosniff");
  expect(headers.get("referrer-policy")).toBe("no-referrer");
  const markup = html.replaceAll(/<(script|style)[^>]*>.*?<\/\1>/gs, "");
  expect(markup).not.toMatch(/<style|style=|<script|\son\w+=/i);
});

test.each([
  [{}, undefined, undefined],
  [{ IDENTITY: "accounts" }, "accounts", "open"],
  [{ IDENTITY: "accounts", REGISTRATION: "closed" }, "accounts", "closed"],
  [{ IDENTITY: "token", TOKEN_SECRET: "s".repeat(32) }, "token", undefined],
])("the page knows whose names are: %j", async (settings, identity, registration) => {
  const other = await node(redis.url, { ...settings, REDIS_PREFIX: "site" });
  try {
    const html = await (await fetch(`http://127.0.0.1:${other.port}/`)).text();
    const [element] = /<html[^>]*>/.exec(html)!;
    expect(/data-identity="(\w+)"/.exec(element)?.[1]).toBe(identity);
    expect(/data-registration="(\w+)"/.exec(element)?.[1]).toBe(registration);
  } finally {
    await other.close();
  }
});

test("GET /?name= still answers, and other paths are not found", async () => {
  const answers = await Promise.all(
    ["/?name=free", "/?name=", "/assets/", "/assets/../package.json", "/%2e%2e/main.js"].map(
      async (path) => {
        const response = await get(path);
        return [response.status, response.headers.get("content-type")];
      },
    ),
  );
  const text = "text/plain; charset=utf-8";
  expect(answers).toEqual([
    [200, text],
    [400, text],
    [404, text],
    [404, text],
    [404, text],
  ]);
  expect(await (await get("/?name=free")).text()).toBe("free\n");
  expect((await get("/", { method: "POST" })).status).toBe(405);
});

test("HEAD has the headers of GET", async () => {
  const head = await get("/", { method: "HEAD" });
  expect([head.status, head.headers.get("content-type"), await head.text()]).toEqual([
    200,
    "text/html; charset=utf-8",
    "",
  ]);
});

test("without a built page, GET / is not found", async () => {
  const folder = await mkdtemp(join(tmpdir(), "tertulia-site-"));
  expect(await readStaticSite(folder, { IDENTITY: "open", REGISTRATION: "open" })).toBeUndefined();
});

test("all that a browser loads is below 49 kB", async () => {
  const page = await get("/", { headers: { "accept-encoding": "gzip" } });
  expect([page.status, page.headers.get("content-encoding")]).toEqual([200, "gzip"]);
  const bytes = Number(page.headers.get("content-length"));
  console.info(`the page: ${bytes} bytes`);
  expect(bytes).toBeGreaterThan(10_000);
  expect(bytes).toBeLessThan(49_000);
});
