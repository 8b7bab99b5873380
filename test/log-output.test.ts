/** Lines of the log: gathered, in order, and none is lost when the process ends. */
import { spawn, spawnSync } from "node:child_process";
import type { Writable } from "node:stream";
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
  const lines = new LineGatherer(window, (bytes) => {
    written.push(bytes.toString());
    return bytes.length;
  });
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

test("a reader that stops costs lines, and says so: neither time nor memory of the process", () => {
  let room = 10;
  const written: string[] = [];
  const queued: Gatherer[] = [];
  const lines = new LineGatherer({ queue: (each) => void queued.push(each) }, (bytes) => {
    const taken = Math.min(room, bytes.length);
    room -= taken;
    written.push(bytes.subarray(0, taken).toString());
    return taken;
  });
  const dropped: number[] = [];
  lines.onDropped = (count) => dropped.push(count);
  const info = `{"level":30,"msg":"${"x".repeat(1_000)}"}\n`;
  for (let i = 0; i < 10_000; i++) lines.write(info);
  lines.write('{"level":50,"msg":"an error"}\n');
  for (let i = 0; i < 5; i++) queued.shift()!.flush();
  expect(dropped).toEqual([]);
  room = Infinity;
  queued.shift()!.flush();
  const [kept, all] = [written.join("").split("\n").length - 2, 10_000];
  expect(kept * info.length).toBeLessThan(1_048_577);
  expect(dropped).toEqual([all - kept]);
  expect(written.join("").endsWith('{"level":50,"msg":"an error"}\n')).toBe(true);
});

test("lines that cannot be written are counted, and told of with the first one that can be", () => {
  let isFull = true;
  let tries = 0;
  const written: string[] = [];
  const queued: Gatherer[] = [];
  const lines = new LineGatherer({ queue: (each) => void queued.push(each) }, (bytes) => {
    tries++;
    if (isFull) return "lost";
    written.push(bytes.toString());
    return bytes.length;
  });
  lines.onDropped = (count) => lines.write(`dropped ${count}\n`);
  for (const batch of [["a\n", "b\n"], ["c\n"]]) {
    for (const line of batch) lines.write(line);
    queued.shift()!.flush();
  }
  expect([tries, queued.length]).toEqual([2, 0]); // it does not tell again and again
  isFull = false;
  lines.write("d\n");
  while (queued.length > 0) queued.shift()!.flush();
  expect(written).toEqual(["d\n", "dropped 3\n"]);
});

test.runIf(process.platform === "linux")("a full disk costs lines, not the process", () => {
  const module = new URL("../dist/log-output.js", import.meta.url);
  const script = `
    import { standardOutput } from ${JSON.stringify(fileURLToPath(module))};
    const output = standardOutput();
    let turns = 0;
    const timer = setInterval(() => {
      output.write("a line\\n");
      if (++turns === 5) clearInterval(timer);
    }, 30);
    process.once("exit", () => process.stderr.write(turns + " turns"));`;
  const shell = `exec "$0" --input-type=module -e "$1" >/dev/full`;
  const { status, stderr } = spawnSync("sh", ["-c", shell, process.execPath, script]);
  expect([status, String(stderr)]).toEqual([0, "5 turns"]);
});

test("a pipe that nobody reads does not block the process", async () => {
  const module = new URL("../dist/log-output.js", import.meta.url);
  const script = `
    import { standardOutput } from ${JSON.stringify(fileURLToPath(module))};
    const output = standardOutput();
    let turns = 0;
    output.onDropped = (lines) => output.write("dropped " + lines + "\\n");
    const timer = setInterval(() => {
      for (let i = 0; i < 2000; i++) output.write('{"level":30,"msg":"' + "x".repeat(200) + '"}\\n');
      if (++turns === 40) process.stderr.write("turned");
      if (turns === 80) clearInterval(timer);
    }, 5);`;
  // a shell gives it a pipe; what Node gives is a socket. It is read when a line comes on descriptor 3
  const shell = `"$0" --input-type=module -e "$1" | { read go <&3; cat; }`;
  const stdio = ["ignore", "pipe", "pipe", "pipe"] as const;
  const child = spawn("sh", ["-c", shell, process.execPath, script], { stdio: [...stdio] });
  await new Promise((said) => child.stderr!.once("data", said));
  (child.stdio[3] as Writable).end("go\n");
  const said = (await text(child.stdout!)).trim().split("\n");
  expect(said.findLast((line) => line.startsWith("dropped"))).toMatch(/^dropped \d+$/);
  const count = said.filter((line) => line.startsWith("{")).length;
  const dropped = said
    .filter((line) => line.startsWith("dropped"))
    .reduce((sum, line) => sum + Number(line.split(" ")[1]), 0);
  expect(count + dropped).toBe(160_000);
});
