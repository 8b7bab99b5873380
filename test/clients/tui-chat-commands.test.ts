/** Commands that the chat itself answers, in the terminal: what a line asks for, and which message it is about. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { complete } from "#tertulia/clients/tui/completion.js";
import { parse } from "#tertulia/clients/tui/commands.js";
import { EMPTY, withText } from "#tertulia/clients/tui/editor.js";
import { findMessage } from "#tertulia/clients/tui/find-message.js";
import { readState, removeState, stateFile, writeState } from "#tertulia/clients/tui/state-file.js";
import type { Message } from "#tertulia/clients/sdk/events.js";
import { begin, type View } from "#tertulia/clients/view/model.js";
import { timelineRows } from "#tertulia/clients/view/timeline.js";
import { update } from "#tertulia/clients/view/update.js";

const moderate = { type: "moderate", forMs: undefined, reason: "" };
const HOUR_MS = 3_600_000;

test.each<[line: string, command: object]>([
  ["/password", { type: "password" }],
  ["/contraseña", { type: "password" }],
  ["/sessions", { type: "sessions", end: undefined }],
  ["/sessions end others", { type: "sessions", end: "others" }],
  ["/sesiones cerrar todas", { type: "sessions", end: "all" }],
  ["/sessions end Ab3_-xYz09", { type: "sessions", end: "Ab3_-xYz09" }],
  ["/block bob", { type: "block", user: "bob" }],
  ['/unblock "ana maria"', { type: "unblock", user: "ana maria" }],
  ["/blocks", { type: "blocks" }],
  ["/remove", { type: "remove", which: { by: "newest" } }],
  ["/remove bob", { type: "remove", which: { by: "author", name: "bob" }, reason: "" }],
  ["/remove #3 not here", { which: { by: "number", seq: 3 }, reason: "not here" }],
  ["/remove bob not here", { which: { by: "author", name: "bob" }, reason: "not here" }],
  ["/quitar #12", { type: "remove", which: { by: "number", seq: 12 } }],
  ["/unregister", { type: "unregister", erase: false }],
  ["/baja borrar", { type: "unregister", erase: true }],
  ["/export", { type: "export", file: undefined }],
  ['/export "my data.json"', { type: "export", file: "my data.json" }],
  ["/kick bob", { ...moderate, act: "kick", whom: { user: "bob" } }],
  ["/kick bob 2h is no time here", { act: "kick", reason: "2h is no time here" }],
  ["/ban bob", { ...moderate, act: "ban", whom: { user: "bob" } }],
  ["/ban bob 2h spam, again", { act: "ban", forMs: 2 * HOUR_MS, reason: "spam, again" }],
  ["/expulsar @bob 7d", { act: "ban", forMs: 168 * HOUR_MS, reason: "" }],
  ["/ban 192.0.2.0/24 30s", { act: "ban", whom: { address: "192.0.2.0/24" }, forMs: 30_000 }],
  ["/ban 2001:db8::/48 bots", { act: "ban", whom: { address: "2001:db8::/48" }, reason: "bots" }],
  ['/ban "192.0.2.7"', { act: "ban", whom: { user: "192.0.2.7" } }],
  ["/mute 192.0.2.7", { act: "mute", whom: { user: "192.0.2.7" } }],
  ["/mute bob 10m", { act: "mute", forMs: 600_000 }],
  ["/unban 192.0.2.7", { act: "unban", whom: { address: "192.0.2.7" } }],
  ["/unmute bob", { ...moderate, act: "unmute", whom: { user: "bob" } }],
  ["/sanctions", { type: "sanctions" }],
  ["/audit", { type: "audit", limit: 20 }],
  ["/audit 200", { type: "audit", limit: 200 }],
])("%j asks the chat for %j", (line, command) => {
  expect(parse(line)).toMatchObject(command);
});

test.each([
  "/password old new",
  "/sessions others",
  "/sessions end",
  "/sessions end short",
  "/sessions end others now",
  "/block",
  "/block ana maria",
  "/blocks bob",
  "/remove #0",
  "/remove #x",
  '/remove "#1"',
  "/unregister ana",
  "/export a b",
  "/kick",
  '/kick "bob',
  "/ban bob 0h",
  `/ban bob ${"x".repeat(201)}`,
  "/ban bob two\nlines",
  "/audit 0",
  "/audit 201",
  "/audit all",
])("%j is a mistake, and nothing is done", (line) => {
  const [, word] = /^\/(\w+)/.exec(line)!;
  expect(parse(line)).toEqual({ type: "mistake", of: word, written: `/${word}` });
});

test("who is no moderator is not offered a moderator's words, but may type them", () => {
  const completed = (text: string, isModerator: boolean): string =>
    complete(withText(EMPTY, text), undefined, 1, { names: ["bob"], language: "en", isModerator })
      .editor.text;
  expect(completed("/ki", false)).toBe("/ki");
  expect(completed("/ki", true)).toBe("/kick ");
  expect(completed("/kick b", false)).toBe("/kick bob ");
  expect(completed("/unblock b", false)).toBe("/unblock bob ");
});

test("a key is kept for a host, whatever the port, and a login session for the very chat that gave it", () => {
  const file = (kind: "keys" | "sessions", url: string, name = "ana"): string =>
    stateFile(kind, url, name, {}).file;
  expect(file("sessions", "wss://h:1")).toBe(file("sessions", "wss://h:1/ws"));
  expect(file("sessions", "wss://h:1")).not.toBe(file("sessions", "wss://h:2"));
  expect(file("sessions", "wss://h")).not.toBe(file("sessions", "ws://h"));
  expect(file("sessions", "wss://h")).not.toBe(file("sessions", "wss://i"));
  expect(file("sessions", "wss://h")).not.toBe(file("sessions", "wss://h", "bob"));
  expect(file("keys", "wss://h:1")).toBe(file("keys", "ws://h:2"));
});

test("a login session that was refused is forgotten, and not one that has come since", () => {
  const folder = mkdtempSync(join(tmpdir(), "tertulia-state-"));
  const where = stateFile("sessions", "ws://h", "ana", { XDG_STATE_HOME: folder });
  writeState(where, "newer", "set");
  removeState(where, "older");
  expect(readState(where)).toBe("newer");
  removeState(where, "newer");
  expect(readState(where)).toBeUndefined();
  rmSync(folder, { recursive: true });
});

const said = (seq: number, from: string, text: string, more: Partial<Message> = {}): Message => ({
  conv: "~",
  epoch: "1",
  seq,
  mid: `m${seq}`,
  from,
  ts: seq,
  text,
  ...more,
});

function viewOf(...messages: Message[]): View {
  return messages.reduce<View>(
    (view, message) => update(view, { type: "message", message }, 0).view,
    begin("ana"),
  );
}

test("the message that is meant is the newest of its author that is still there", () => {
  const view = viewOf(
    said(1, "bob", "one"),
    said(2, "ana", "two"),
    said(3, "ana", "three"),
    said(4, "bob", "", { removed: true }),
    said(5, "ana", "", { removes: 3 }),
  );
  const find = (...[which, hit]: [Parameters<typeof findMessage>[1], string?]) =>
    findMessage(view, which, hit)?.seq;
  expect(find({ by: "newest" })).toBe(2);
  expect(find({ by: "author", name: "bob" })).toBe(1);
  expect(find({ by: "author", name: "cat" })).toBeUndefined();
  expect(find({ by: "number", seq: 1 })).toBe(1);
  expect(find({ by: "number", seq: 3 })).toBeUndefined();
  expect(find({ by: "newest" }, "no such row")).toBeUndefined();
  const rows = timelineRows(view).filter(({ type }) => type === "message");
  const found = rows.map(({ key }) => find({ by: "newest" }, key));
  expect(found).toEqual([1, 2, undefined, undefined]);
});
