/** Lines of the log: gathered, in order, and none is lost when the process ends. */
import { spawn, spawnSync } from "node:child_process";
import { text } from "node:stream/consumers";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { LineGatherer } from "#tertulia/log-output.js";
import type { Gatherer } from "#tertulia/window.js";

test("lines of a window leave in one write, in order", () => {
  const written: string[] = [];
  const queued: Gatherer[] = [];
  const window = { queue: (gatherer: Gatherer) => void queued.push(gatherer) };
  const lines = new LineGatherer(window, (text) => written.push(text));
  for (const line of ["a\n", "b\n"]) lines.write(line);
  expect(written).toEqual([]);
  expect(queued).toHaveLength(1);
  queued[0]!.flush();
  queued[0]!.flush();
  lines.write("c\n");
  expect(queued).toHaveLength(2);
  queued[1]!.flush();
  expect(written).toEqual(["a\nb\n", "c\n"]);
});

test.each(["exit", "throw"])("no line is lost when a process ends by itself: %s", (how) => {
  const module = new URL("../dist/log-output.js", import.meta.url);
  const script = `
    import { standardOutput } from ${JSON.stringify(fileURLToPath(module))};
    const output = standardOutput();
    for (let i = 0; i < 1000; i++) output.write(i + "\\n");
    setImmediate(() => {
      for (let i = 1000; i < 20000; i++) output.write(i + "\\n");
      if (${JSON.stringify(how)} === "throw") throw new Error("nobody catches this");
      process.exit(0);
    });`;
  const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", script]);
  const expected = Array.from({ length: 20_000 }, (_, i) => `${i}\n`).join("");
  expect(String(stdout)).toBe(expected);
});

test("no line is torn or lost when a process ends while its reader is slow", async () => {
  const module = new URL("../dist/log-output.js", import.meta.url);
  const script = `
    import { standardOutput } from ${JSON.stringify(fileURLToPath(module))};
    const output = standardOutput();
    for (let i = 0; i < 100000; i++) output.write(i + "\\n");
    process.stderr.write("written");
    setTimeout(() => {
      for (let i = 100000; i < 101000; i++) output.write(i + "\\n");
      process.exit(0);
    }, 50);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script]);
  await new Promise((said) => child.stderr.once("data", said));
  await pause(500); // more than a pipe holds is on its way by now
  const expected = Array.from({ length: 101_000 }, (_, i) => `${i}\n`).join("");
  expect((await text(child.stdout)) === expected).toBe(true);
});
