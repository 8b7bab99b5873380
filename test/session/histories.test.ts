/**
 * Histories: what a client, the stores and the feed do, line by line, and below each line what was observed.
 * `RECORD=1 npx vitest run test/session/histories.test.ts` writes them anew: look at the difference.
 */
import { readFile, readdir, writeFile } from "node:fs/promises";
import { afterAll, describe, expect, test } from "vitest";
import { implementations } from "./implementation.js";
import { runHistory } from "./run-history.js";

/** Another folder holds transcripts that are not kept. */
const FOLDER = new URL(process.env["HISTORIES"] ?? "./histories/", import.meta.url);
const make = implementations[process.env["IMPLEMENTATION"] ?? "connection"]!;
const isRecording = process.env["RECORD"] !== undefined;

for (const file of await readdir(FOLDER)) {
  const path = new URL(file, FOLDER);
  const histories = (await readFile(path, "utf8")).split(/^(?=# )/m);
  const observed: string[] = [];
  describe(file.replace(".txt", ""), () => {
    for (const history of histories) {
      test(history.slice(2, history.indexOf("\n")), async () => {
        const now = await runHistory(history, make);
        observed.push(now);
        if (!isRecording) expect(now.trim()).toBe(history.trim());
      });
    }
    afterAll(async () => {
      if (isRecording && observed.length === histories.length)
        await writeFile(path, observed.join("\n"));
    });
  });
}
