/** The page as the gateway serves it: fresh where it must be, kept where it may be, and fenced in. */
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readSite } from "#tertulia/gateway/site.js";
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

test("the page is asked for each time, its parts are kept for ever", async () => {
  const page = await get("/");
  const html = await page.text();
  expect(page.headers.get("content-type")).toBe("text/html; charset=utf-8");
  expect(page.headers.get("cache-control")).toBe("no-cache");
  const parts = [...html.matchAll(/(?:src|href)="\.(\/assets\/[^"]+)"/g)].map((match) => match[1]!);
  const kinds = new Set(parts.map((part) => part.split(".").at(-1)));
  expect(kinds).toEqual(new Set(["css", "js", "svg"]));
  for (const part of parts) {
    const { headers, status } = await get(part);
    expect([status, headers.get("cache-control")]).toEqual([
      200,
      "public, max-age=31536000, immutable",
    ]);
  }
  const etag = page.headers.get("etag")!;
  const again = await get("/", { headers: { "if-none-match": etag } });
  expect([again.status, await again.text()]).toEqual([304, ""]);
});

test("nothing foreign may be loaded, said to, or put around it", async () => {
  const { headers } = await get("/");
  const host = `127.0.0.1:${served.port}`;
  expect(headers.get("content-security-policy")?.split("; ")).toEqual([
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    `connect-src 'self' ws://${host} wss://${host}`,
    "img-src 'self' data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ]);
  expect(headers.get("x-content-type-options")).toBe("nosniff");
  expect(headers.get("referrer-policy")).toBe("no-referrer");
  const html = await (await get("/")).text();
  expect(html).not.toMatch(/<style|style=|<script(?![^>]*src=)|\son\w+=/i);
});

test("the question for a name is answered as ever, and other paths lead nowhere", async () => {
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

test("a head is what the page would begin with", async () => {
  const head = await get("/", { method: "HEAD" });
  expect([head.status, head.headers.get("content-type"), await head.text()]).toEqual([
    200,
    "text/html; charset=utf-8",
    "",
  ]);
});

test("where the page was not built there is none", async () => {
  expect(await readSite(await mkdtemp(join(tmpdir(), "tertulia-site-")))).toBeUndefined();
});

test.each(["en", "es"])("all that a browser in %s loads is below 40 kB", async (language) => {
  const html = await (await get("/")).text();
  const main = /\.(\/assets\/index-[^"]+\.js)/.exec(html)![1]!;
  const script = await (await get(main)).text();
  const texts = new RegExp(`texts-${language}-[^\`"']+\\.js`).exec(script)![0];
  const linked = [...html.matchAll(/(?:src|href)="\.(\/assets\/[^"]+)"/g)].map(
    (match) => match[1]!,
  );
  let bytes = 0;
  for (const path of ["/", ...linked, `/assets/${texts}`]) {
    const response = await get(path, { headers: { "accept-encoding": "gzip" } });
    expect([path, response.status]).toEqual([path, 200]);
    expect(response.headers.get("content-encoding")).toBe("gzip");
    bytes += Number(response.headers.get("content-length"));
  }
  console.info(`${language}: ${bytes} bytes`);
  expect(bytes).toBeGreaterThan(10_000);
  expect(bytes).toBeLessThan(40_000);
});
