/** docs/sdk.md: every example runs as it stands, with the package, on a real gateway, and says what is expected. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { Node } from "#tertulia/node.js";
import { node } from "../support/nodes.js";
import { pack, ROOT, run, type Packed } from "../support/packed.js";
import { startRedis, type TestRedis } from "../support/redis.js";

/** What each example prints; a message of one's own may come after the connection was closed. */
const expected: Record<string, RegExp> = {
  "Join and send": /^(~ ana: hello\n)?$/,
  Events: /^ana: one\n$/,
  Calls: /^one, two\nbusy\n$/,
  "Who is there": /^ana is active\n1 ana\n$/,
  "After a reload": /^in between\n$/,
  "A name of one's own": /^name_kept\n$/,
  "Accounts and tokens": /^forbidden\n$/,
  Errors: /^not_found false\n$/,
  "When it does not connect":
    /^dial \nclose \nretry unreachable\nws:\/\/localhost:1 cannot be reached: .*ECONNREFUSED.*\n$/,
  "Giving up waiting": /^TimeoutError true\n$/,
};

let redis: TestRedis;
let gateway: Node;
let packed: Packed;
let examples: Map<string, string>;

beforeAll(async () => {
  redis = await startRedis();
  packed = await pack("packages/client");
  const page = await readFile(join(ROOT, "docs/sdk.md"), "utf8");
  const sections = page.split(/^## /m).slice(1);
  examples = new Map(
    sections.flatMap((section) => {
      const code = /^```js\n(.*?)^```$/ms.exec(section)?.[1];
      return code === undefined ? [] : [[section.split("\n")[0]!, code]];
    }),
  );
});
afterAll(async () => {
  await packed.remove();
  await redis.close();
});
beforeEach(async () => {
  await redis.client.flushall();
  gateway = await node(redis.url);
  return () => gateway.close();
});

test("each example has its expectation", () => {
  expect([...examples.keys()]).toEqual(Object.keys(expected));
});

test.each(Object.keys(expected))("the example of %s", async (title) => {
  const code = examples.get(title)!.replaceAll("localhost:9000", `127.0.0.1:${gateway.port}`);
  const file = join(packed.folder, `${title.replaceAll(" ", "-")}.mjs`);
  await writeFile(file, code);
  const { stdout, stderr } = await run(process.execPath, [file], { timeout: 20_000 });
  expect(stderr).toBe("");
  expect(stdout).toMatch(expected[title]!);
});
