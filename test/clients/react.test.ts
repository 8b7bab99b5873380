/** docs/sdk.md, "In React": the component as it stands there, in a real browser, on a real gateway, reloaded. */
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join as path } from "node:path";
import type { Browser, Page } from "playwright-core";
import { build } from "vite";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Node } from "#tertulia/node.js";
import { hasBrowser, launch } from "../support/browser.js";
import { eventually } from "../support/eventually.js";
import { node } from "../support/nodes.js";
import { pack, ROOT, type Packed } from "../support/packed.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import { at, join, upTo } from "../support/sdk-scene.js";

/** What a program would write around it; `remount` is what a hot reload does. */
const MAIN = `
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Chat } from "./chat.jsx";

const { searchParams } = new URL(location.href);
const root = createRoot(document.getElementById("root"));
let turn = 0;
window.remount = () =>
  root.render(
    <StrictMode>
      <Chat key={turn++} url={searchParams.get("url")} name="ana" />
    </StrictMode>,
  );
window.unmount = () => root.unmount();
window.remount();
`;

describe.skipIf(!hasBrowser())("the React component", () => {
  let redis: TestRedis;
  let gateway: Node;
  let packed: Packed;
  let browser: Browser;
  let server: Server;
  let page: Page;
  const complaints: string[] = [];

  beforeAll(async () => {
    [redis, packed, browser] = await Promise.all([startRedis(), pack("packages/client"), launch()]);
    for (const name of ["react", "react-dom", "scheduler"]) {
      await symlink(path(ROOT, "node_modules", name), path(packed.folder, "node_modules", name));
    }
    const recipe = await readFile(path(ROOT, "docs/sdk.md"), "utf8");
    const component = /^## In React$.*?^```jsx\n(.*?)^```$/ms.exec(recipe)![1]!;
    const plain = component.replace(", storage: localStorage", "");
    expect(plain).not.toBe(component);
    const pages = {
      "/": await bundled("kept", component),
      "/plain": await bundled("plain", plain),
    };
    server = createServer(({ url }, response) => {
      const script = pages[new URL(url!, "http://here").pathname as keyof typeof pages];
      const type = { "content-type": "text/html; charset=utf-8" };
      response.writeHead(script === undefined ? 204 : 200, type);
      response.end(`<!doctype html><div id="root"></div><script>${script}</script>`);
    }).listen(0, "127.0.0.1");
  });
  afterAll(async () => {
    server.close();
    await browser.close();
    await packed.remove();
    await redis.close();
  });
  beforeEach(async () => {
    await redis.client.flushall();
    gateway = await node(redis.url);
    page = await browser.newPage();
    complaints.length = 0;
    page.on("pageerror", (error) => complaints.push(String(error.stack)));
    page.on("console", (line) => {
      if (line.type() === "error") complaints.push(line.text());
    });
    return async () => {
      await page.close();
      await gateway.close();
    };
  });

  /** One script, with React as it is while one develops: StrictMode mounts twice. */
  async function bundled(name: string, component: string): Promise<string> {
    const folder = path(packed.folder, name);
    await mkdir(folder);
    await writeFile(path(folder, "chat.jsx"), component);
    await writeFile(path(folder, "main.jsx"), MAIN);
    const outcome = await build({
      configFile: false,
      logLevel: "silent",
      define: { "process.env.NODE_ENV": '"development"' },
      oxc: { jsx: { runtime: "automatic" } },
      build: {
        write: false,
        minify: false,
        lib: { entry: path(folder, "main.jsx"), formats: ["iife"], name: "app" },
      },
    });
    const [{ output }] = outcome as unknown as [{ output: [{ code: string }] }];
    return output[0].code.replaceAll("</script", "<\\/script");
  }

  const visit = async (where: string): Promise<void> => {
    const { port } = server.address() as AddressInfo;
    await page.goto(`http://127.0.0.1:${port}${where}?url=${at(gateway)[0]!}`);
  };
  const isOpen = (): Promise<void> => page.getByText("ana is open").waitFor();
  const texts = async (): Promise<string[]> =>
    (await page.locator("li").allInnerTexts()).map((text) => text.replace("bob: ", ""));

  test("reloaded five times while others talk, it stays the same person and loses nothing", async () => {
    const bob = join(at(gateway), { name: "bob" });
    await bob.chat.presence.watch();
    const gone: string[] = [];
    bob.chat.on("presence", (change) => gone.push(...change.gone));
    let said = 0;
    const talk = setInterval(() => void bob.chat.publish("~", `${++said}`), 60);
    try {
      await visit("/");
      for (const _ of upTo(5)) {
        await isOpen();
        const before = said;
        await eventually(async () => expect((await texts()).length).toBeGreaterThan(before));
        await page.reload();
      }
    } finally {
      clearInterval(talk);
    }
    await isOpen();
    await eventually(async () => expect(await texts()).toEqual(upTo(said).map(String)));
    await page.locator("input").fill("hello");
    await page.locator("input").press("Enter");
    await eventually(async () => expect((await texts()).at(-1)).toBe("ana: hello"));
    await eventually(() => expect(bob.messages.at(-1)).toMatchObject({ from: "ana" }));
    expect(bob.seqs).toEqual(upTo(said + 1));
    expect(gone).toEqual([]);
    expect(complaints).toEqual([]);
  });

  test("without a storage it waits for its own name after a reload, and gets it", async () => {
    await visit("/plain");
    for (const _ of upTo(2)) {
      await isOpen();
      await page.reload();
      await page.getByText("ana is waiting").waitFor();
    }
    await isOpen();
    expect(complaints).toEqual([]);
  });

  test("mounted again, as by a hot reload, it is the same user; unmounted, it has left", async () => {
    const bob = join(at(gateway), { name: "bob" });
    await bob.chat.presence.watch();
    await visit("/");
    for (const n of upTo(5)) {
      await isOpen();
      await bob.chat.publish("~", `${n}`);
      await eventually(async () => expect(await texts()).toEqual(upTo(n).map(String)));
      await page.evaluate(() => (globalThis as unknown as { remount(): void }).remount());
    }
    await isOpen();
    await eventually(async () => expect(await texts()).toEqual(upTo(5).map(String)));
    expect(await page.locator("p").innerText()).toBe("ana is open");
    await eventually(() => expect(bob.chat.presence.people.has("ana")).toBe(true));
    await page.evaluate(() => (globalThis as unknown as { unmount(): void }).unmount());
    await eventually(() => expect(bob.chat.presence.people.has("ana")).toBe(false), 2_500);
    expect(complaints).toEqual([]);
  });

  test("while its gateway is away it says why it waits, and comes back", async () => {
    await visit("/");
    await isOpen();
    const { port } = gateway;
    await gateway.close();
    await page.getByText(/ana is waiting .*cannot be reached/).waitFor();
    gateway = await node(redis.url, { PORT: port });
    await isOpen();
  });
});
