/** The terminal client's pure parts, as tables. */
/* oxlint-disable no-control-regex -- control characters are what some of this is about */
import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { TertuliaError } from "#tertulia/clients/sdk/error.js";
import { sanitize, sanitizeJson, sanitizeLine } from "#tertulia/clients/tui/sanitize.js";
import { parse, type Command } from "#tertulia/clients/tui/commands.js";
import { complete } from "#tertulia/clients/tui/completion.js";
import { shouldRing, type Bell } from "#tertulia/clients/tui/bell.js";
import { EMPTY, edit, withoutSentLine, withText, type Edit } from "#tertulia/clients/tui/editor.js";
import { Interview } from "#tertulia/clients/tui/interview.js";
import { shownAnswer } from "#tertulia/clients/tui/prompt.js";
import { Keyboard } from "#tertulia/clients/tui/keyboard.js";
import { actionOfInput, insert, type InputAction, type Input } from "#tertulia/clients/tui/keys.js";
import { render } from "#tertulia/clients/tui/layout.js";
import { linesOf } from "#tertulia/clients/tui/input-lines.js";
import { lineOf } from "#tertulia/clients/tui/plain-line.js";
import { hits } from "#tertulia/clients/tui/search.js";
import { highlighted, occurrences } from "#tertulia/clients/tui/highlights.js";
import { mentions } from "#tertulia/clients/tui/mentions.js";
import { readOptions } from "#tertulia/clients/tui/options.js";
import { paint, span, type Frame } from "#tertulia/clients/tui/paint.js";
import type { Screen } from "#tertulia/clients/tui/screen.js";
import { InputController } from "#tertulia/clients/tui/input-controller.js";
import { scrollBy, visibleRange, transcriptLines } from "#tertulia/clients/tui/transcript.js";
import { textsFor } from "#tertulia/clients/tui/language.js";
import { cut, fit, width, wrap } from "#tertulia/clients/tui/width.js";
import type { Message } from "#tertulia/clients/sdk/events.js";
import { begin, type View, type Action } from "#tertulia/clients/view/model.js";
import { update } from "#tertulia/clients/view/update.js";

const NOW = new Date(2026, 10, 23, 12, 0).getTime();

test.each<[what: string, text: string, columns: number]>([
  ["letters", "hello", 5],
  ["nothing", "", 0],
  ["an accent of its own code point", "cafe\u0301", 4],
  ["ideographs", "日本語", 6],
  ["Hangul", "한국", 4],
  ["fullwidth letters", "ＡＢ", 4],
  ["an emoji", "🎉", 2],
  ["a family, joined", "👨‍👩‍👧", 2],
  ["a skin tone", "👋🏽", 2],
  ["a flag", "🇪🇸", 2],
  ["a heart that is text", "❤", 1],
  ["a heart that is an emoji", "❤️", 2],
  ["a keycap", "1️⃣", 2],
  ["Devanagari clusters", "नि", 1],
  ["ambiguous ones", "●◐○…─", 5],
])("%s: %s", (_, text, columns) => {
  expect(width(text)).toBe(columns);
});

test.each<[text: string, columns: number, lines: string[]]>([
  ["one two three", 7, ["one two", "three"]],
  ["one two three", 20, ["one two three"]],
  ["abcdefgh", 3, ["abc", "def", "gh"]],
  ["a abcdefgh", 3, ["a", "abc", "def", "gh"]],
  ["日本語", 5, ["日本", "語"]],
  ["a\nb\n\nc", 9, ["a", "b", "", "c"]],
  ["👨‍👩‍👧👨‍👩‍👧", 3, ["👨‍👩‍👧", "👨‍👩‍👧"]],
  ["  in, and twice  as wide", 12, ["  in, and", "twice  as", "wide"]],
])("%j in %i columns", (text, columns, lines) => {
  expect(wrap(text, columns)).toEqual(lines);
});

test("a cut text ends with a mark, and never within a character", () => {
  expect(cut("日本語", 4)).toBe("日…");
  expect(cut("日本語", 6)).toBe("日本語");
  expect(fit("日本語", 4)).toBe("日… ");
  expect(width(fit("ana", 8))).toBe(8);
});

test.each<[what: string, text: string, shown: string]>([
  ["a colour", "\x1b[31mred\x1b[0m", "red"],
  ["a colour, in 8 bits", "\x9b31mred", "red"],
  ["a window's title", "a\x1b]0;owned\x07b", "ab"],
  ["a title, ended by ST", "a\x1b]0;owned\x1b\\b", "ab"],
  ["a clipboard", "\x1b]52;c;aGk=\x07x", "x"],
  ["a device string", "\x1bP1$r\x1b\\x", "x"],
  ["a reset", "\x1bcx", "x"],
  ["a sequence without an end", "\x1b]0;all of this stays", "0;all of this stays"],
  ["a bell and a backspace", "a\x07\x08b", "ab"],
  ["a carriage return", "good\rbad", "good\nbad"],
  ["lines", "a\r\nb\u2028c", "a\nb\nc"],
  ["a tabulator", "a\tb", "a  b"],
  ["an override", "a\u202egpj.exe", "agpj.exe"],
  ["isolates", "\u2066a\u2069\u200f", "a"],
  ["a zero width space", "a\u200bb", "ab"],
  ["a family stays one", "👨‍👩‍👧", "👨‍👩‍👧"],
  ["half a pair", "a\ud800b", "a\ufffdb"],
  ["a pile of marks", `a${"\u0301".repeat(50)}`, `a${"\u0301".repeat(4)}`],
])("of %s nothing dangerous is left", (_, text, shown) => {
  expect(sanitize(text)).toBe(shown);
});

test("what is typed before a question is there answers it, and is never a message", async () => {
  const key = (text: string): InputAction => ({ type: "edit", edit: { type: "insert", text } });
  const interview = new Interview(() => {});
  const types = (...keys: InputAction[]): boolean[] => keys.map((each) => interview.handle(each));
  const first = interview.ask({ text: "one?" });
  const all = types(key("1"), { type: "enter" }, key("two"), { type: "enter" }, key("late"));
  expect(all).toEqual([true, true, true, true, true]);
  expect(await first).toBe("1");
  expect(await interview.ask({ text: "two?", isSecret: true })).toBe("two");
  const third = interview.ask({ text: "three?", isSecret: true });
  types({ type: "edit", edit: { type: "insert", text: "\n日\n" } });
  expect(shownAnswer(interview.prompt!)).toMatchObject({ text: "•••••", at: 5 });
  expect(types({ type: "quit" }, { type: "focus", isHere: true })).toEqual([false, false]);
  types({ type: "escape" });
  expect([interview.prompt, ...types(key("a message"))]).toEqual([undefined, false]);
  expect([await third, await interview.ask({ text: "four?" })]).toEqual([undefined, undefined]);
});

test("a name is one line, JSON is exact, and nobody can fake a line of plain output", () => {
  expect(sanitizeLine("a\nb")).toBe("a b");
  const evil = { text: "\x1b[2J\x9b\u202e\n" };
  expect(sanitizeJson(evil)).toBe(String.raw`{"text":"\u001b[2J\u009b\u202e\n"}`);
  expect(JSON.parse(sanitizeJson(evil))).toEqual(evil);
  const message = { conv: "@bob", from: "bob", text: "a\n~ ana: b\\n" };
  expect(lineOf(message)).toBe(String.raw`@bob bob: a\n~ ana: b\\n`);
});

test.each<[what: string, chunks: (string | Uint8Array)[], lines: string[]]>([
  ["two lines", ["a\nb\n"], ["a", "b"]],
  ["one without an end", ["a\r\nb"], ["a", "b"]],
  ["an end that comes in two", ["a\r", "\nb\r\n"], ["a", "b"]],
  ["empty ones", ["\n\n\r\na"], ["", "", "", "a"]],
  ["nothing", [], []],
  ["what only looks like an end", ["a\u2028b\u2029c\u0085d\re\n"], ["a\u2028b\u2029c\u0085d\re"]],
  ["half a character", [Buffer.of(0xe6, 0x97), Buffer.of(0xa5, 0x0a)], ["日"]],
])("lines of an input: %s", async (_, chunks, lines) => {
  const input = new PassThrough();
  for (const chunk of chunks) input.write(chunk);
  input.end();
  const found: string[] = [];
  for await (const line of linesOf(input, new AbortController().signal)) found.push(line);
  expect(found).toEqual(lines);
});

test("reading lines ends at an abort, even if the input stays open", async () => {
  const [input, over] = [new PassThrough(), new AbortController()];
  input.write("a\nb");
  const found: string[] = [];
  for await (const line of linesOf(input, over.signal)) {
    found.push(line);
    over.abort();
  }
  expect(found).toEqual(["a", "b"]);
});

type Place = (Edit & { type: "move" })["to"];
const action = (edit: Edit): InputAction & { type: "edit" } => ({ type: "edit", edit });
const move = (to: Place): InputAction & { type: "edit" } => action({ type: "move", to });
const erase = (to: Place): InputAction & { type: "edit" } => action({ type: "erase", to });
const past = (by: 1 | -1): InputAction => action({ type: "history", by });

/** `|` is the cursor. */
test.each<[before: string, change: InputAction & { type: "edit" }, after: string]>([
  ["ab|", insert("c"), "abc|"],
  ["a|b", insert("日"), "a日|b"],
  ["ab|", move("left"), "a|b"],
  ["a👨‍👩‍👧|", move("left"), "a|👨‍👩‍👧"],
  ["|👨‍👩‍👧a", move("right"), "👨‍👩‍👧|a"],
  ["|", move("left"), "|"],
  ["one two|", move("word left"), "one |two"],
  ["one | two", move("word right"), "one  two|"],
  ["one|", move("home"), "|one"],
  ["|one", move("end"), "one|"],
  ["one\ntwo|", move("home"), "one\n|two"],
  ["|one\ntwo", move("end"), "one|\ntwo"],
  ["one\n|two", move("home"), "|one\ntwo"],
  ["one|\ntwo", move("end"), "one\ntwo|"],
  ["one\n|two", erase("home"), "|two"],
  ["a👋🏽|", erase("left"), "a|"],
  ["a|bc", erase("right"), "a|c"],
  ["one two  |x", erase("word left"), "one |x"],
  ["one |two", erase("home"), "|two"],
  ["one |two", erase("end"), "one |"],
])("%j, changed, is %j", (before, change, after) => {
  const at = before.indexOf("|");
  const editor = edit({ ...EMPTY, text: before.replace("|", ""), at }, change.edit);
  expect(`${editor.text.slice(0, editor.at)}|${editor.text.slice(editor.at)}`).toBe(after);
});

test("killed text can be yanked, and sent lines are in the history", () => {
  let editor = edit(withText(EMPTY, "one two"), erase("word left").edit);
  editor = edit(edit(editor, { type: "yank" }), { type: "yank" });
  expect(editor.text).toBe("one twotwo");
  editor = withText(withoutSentLine(withText(withoutSentLine(editor), "second")), "being written");
  const texts: string[] = [];
  for (const by of [-1, -1, -1, 1, 1, 1] as const) {
    editor = edit(editor, { type: "history", by });
    texts.push(editor.text);
  }
  const [first, second, last] = ["one twotwo", "second", "being written"];
  expect(texts).toEqual([second, first, first, second, last, last]);
});

/** `|` between reads. */
test.each<[what: string, reads: string, actions: (InputAction | "escape")[]]>([
  ["a letter", "a", [insert("a")]],
  ["letters at once", "ab 日👋🏽", [insert("ab 日👋🏽")]],
  ["letters and Enter", "a\rb", [insert("a"), { type: "enter" }, insert("b")]],
  ["Ctrl-A", "\x01", [move("home")]],
  ["Ctrl-W", "\x17", [erase("word left")]],
  ["Backspace", "\x7f", [erase("left")]],
  ["Alt-B", "\x1bb", [move("word left")]],
  ["Alt-Backspace", "\x1b\x7f", [erase("word left")]],
  ["Alt-3", "\x1b3", [{ type: "go", to: 3 }]],
  ["Escape, then /", "\x1b/", [insert("/")]],
  ["Escape, then O and nothing", "\x1bO", [insert("O")]],
  ["Escape, then [ and nothing", "\x1b[", [insert("[")]],
  ["Alt-Enter", "\x1b\r", [insert("\n")]],
  ["Enter of the keypad", "\x1bOM", [{ type: "enter" }]],
  ["Shift-Tab", "\x1b[Z", [{ type: "complete", by: -1 }]],
  ["arrows", "\x1b[A\x1bOB", [past(-1), past(1)]],
  ["Shift-Up", "\x1b[1;2A", [{ type: "scroll", by: "line", to: -1 }]],
  ["Alt-Up", "\x1b[1;3A", [{ type: "turn", by: -1 }]],
  ["Alt-Up of rxvt", "\x1b\x1b[A", [{ type: "turn", by: -1 }]],
  ["Ctrl-Left", "\x1b[1;5D", [move("word left")]],
  ["Ctrl-Left of rxvt", "\x1bOd", [move("word left")]],
  ["Shift-Up of rxvt", "\x1b[a", [{ type: "scroll", by: "line", to: -1 }]],
  ["Ctrl-Home", "\x1b[1;5H", [{ type: "scroll", by: "all", to: -1 }]],
  [
    "Home and End",
    "\x1b[H\x1b[1~\x1b[7~\x1b[F",
    [move("home"), move("home"), move("home"), move("end")],
  ],
  ["PgUp and Delete", "\x1b[5~\x1b[3~", [{ type: "scroll", by: "page", to: -1 }, erase("right")]],
  ["a key in three reads", "\x1b|[1;|5D", [move("word left")]],
  ["Escape", "\x1b", ["escape"]],
  ["Escape twice", "\x1b\x1b", ["escape"]],
  ["Escape, then Alt-3", "\x1b\x1b3", ["escape", { type: "go", to: 3 }]],
  ["Escape twice, then a letter", "\x1b\x1b|…|b", ["escape", insert("b")]],
  ["Escape twice, then Ctrl-C", "\x1b\x1b\x03", ["escape", "escape", { type: "quit" }]],
  ["Escape, then Ctrl-C", "\x1b\x03", ["escape", { type: "quit" }]],
  ["Escape, then a letter, later", "\x1b|…|b", ["escape", insert("b")]],
  ["Ctrl-C in half a sequence", "\x1b[1;|\x03", [{ type: "quit" }]],
  ["half a sequence, then Ctrl-C", "\x1b[1;|…|\x03", [{ type: "quit" }]],
  [
    "focus",
    "\x1b[I\x1b[O",
    [
      { type: "focus", isHere: true },
      { type: "focus", isHere: false },
    ],
  ],
  ["what has no meaning", "\x1b[99~\x1b[[A\x1b[15~\x00\x1f\x1b[?1;2c\x9b", []],
  ["the end of no paste", "\x1b[201~a", [insert("a")]],
])("%s is understood", (_, reads, actions) => {
  const escape: InputAction = { type: "escape" };
  expect(actionsOf(reads)).toEqual(actions.map((each) => (each === "escape" ? escape : each)));
});

const [PASTE, END] = ["\x1b[200~", "\x1b[201~"];

test.each<[what: string, reads: string, actions: InputAction[]]>([
  ["one line", `${PASTE}a b${END}`, [insert("a b")]],
  ["lines of Windows", `${PASTE}a\r\nb\r\n\r\nc${END}`, [insert("a\nb\n\nc")]],
  ["a line end in two reads", `${PASTE}a\r|\nb${END}`, [insert("a\nb")]],
  ["a line end in two reads, much later", `${PASTE}a\r|…|\nb${END}`, [insert("a"), insert("\nb")]],
  ["lines of a terminal", `${PASTE}a\rb\nc${END}`, [insert("a\nb\nc")]],
  ["tabs and keys", `${PASTE}a\tb\x03\x04\x1a${END}`, [insert("a  b")]],
  ["no other line ends", `${PASTE}a\u2028b${END}`, [insert("a\u2028b")]],
  ["marks of direction", `${PASTE}a\u200fb${END}`, [insert("a\u200fb")]],
  ["colours", `${PASTE}\x1b[31mred\x1b[m${END}`, [insert("red")]],
  ["Escape at the end", `${PASTE}a\x1b${END}\x03`, [insert("a"), { type: "quit" }]],
  ["half a sequence at the end", `${PASTE}a\x1b[1;${END}\x03`, [insert("a"), { type: "quit" }]],
  ["half an end at the end", `${PASTE}a\x1b[20${END}\x03`, [insert("a"), { type: "quit" }]],
  ["an end in many reads", `${PASTE}a|\x1b|[|2|0|1|~|\x03`, [insert("a"), { type: "quit" }]],
  ["a beginning in many reads", `\x1b|[|2|00|~a\rb${END}`, [insert("a\nb")]],
  ["Escape before it", `\x1b|${PASTE}a\rb${END}`, [{ type: "escape" }, insert("a\nb")]],
  ["an empty one", `${PASTE}${END}a`, [insert("a")]],
  ["two", `${PASTE}a${END}${PASTE}b${END}`, [insert("a"), insert("b")]],
  ["one that goes on after a while", `${PASTE}ab\r|…|cd\r${END}`, [insert("ab"), insert("\ncd\n")]],
  ["one that lost its end", `${PASTE}ab|…|\x03`, [insert("ab"), { type: "quit" }]],
  [
    "one that lost its end, then keys",
    `${PASTE}ab|…|c|d\r`,
    [insert("ab"), insert("c"), insert("d"), { type: "enter" }],
  ],
  ["one that lost its end, then an arrow", `${PASTE}ab|…|\x1b[A`, [insert("ab"), past(-1)]],
  ["one that lost its end, then Escape", `${PASTE}ab|…|\x1b|…`, [insert("ab"), { type: "escape" }]],
])("nothing that is pasted is a key, and keys are keys again: %s", (_, reads, actions) => {
  expect(actionsOf(reads)).toEqual(actions);
});

test("a paste is one edit, in however many reads it comes", () => {
  const text = "line 日本語\n".repeat(10_000);
  const bytes = `${PASTE}${text.replaceAll("\n", "\r")}${END}`;
  const keyboard = new Keyboard();
  const found: Input[] = [];
  for (let at = 0; at < bytes.length; at += 1_000) {
    found.push(...keyboard.feed(bytes.slice(at, at + 1_000)));
  }
  expect(found.map((each) => each.type)).toEqual(["paste"]);
  expect(actionOfInput(found[0]!, false)).toEqual(insert(text));
});

/** `|` between reads, `…`: nothing comes for a while; once more at the end. */
function actionsOf(reads: string): InputAction[] {
  const keyboard = new Keyboard();
  const found = `${reads}|…`
    .split("|")
    .flatMap((read) => (read === "…" ? keyboard.silent() : keyboard.feed(read)));
  return found.flatMap((each) => actionOfInput(each, false) ?? []);
}

test("the keyboard waits for silence only within a sequence or a paste", () => {
  const waits = (...reads: string[]): number | undefined => {
    const keyboard = new Keyboard();
    for (const read of reads) keyboard.feed(read);
    return keyboard.waitMs;
  };
  expect(waits("a")).toBeUndefined();
  expect(waits("\x1b")).toBe(100);
  expect(waits("\x1b[")).toBe(100);
  expect(waits("\x1b[20")).toBe(1_000); // nobody types that
  expect(waits(PASTE)).toBe(1_000);
  expect(waits(PASTE, END)).toBeUndefined();
});

test("Ctrl-D quits only on an empty line", () => {
  const [pressed] = new Keyboard().feed("\x04");
  expect(actionOfInput(pressed!, true)).toEqual({ type: "quit" });
  expect(actionOfInput(pressed!, false)).toEqual(erase("right"));
});

test.each<[line: string, command: Command]>([
  ["hello", { type: "say", text: "hello" }],
  ["//shrug", { type: "say", text: "/shrug" }],
  ["/users", { type: "users" }],
  ["/usuarios", { type: "users" }],
  ["/info bob", { type: "info", user: "bob" }],
  ["/info", { type: "info", user: undefined }],
  ["/status busy", { type: "status", status: "busy" }],
  ["/estado ocupado", { type: "status", status: "busy" }],
  ["/status asleep", { type: "mistake", of: "status", written: "/status" }],
  ["/all  hi all ", { type: "tell", conv: "~", text: "hi all" }],
  ["/msg bob two words", { type: "tell", conv: "@bob", text: "two words" }],
  ["/msg @bob a\nb", { type: "tell", conv: "@bob", text: "a\nb" }],
  ['/msg "ana maria" hi', { type: "tell", conv: "@ana maria", text: "hi" }],
  ["/msg bob", { type: "mistake", of: "msg", written: "/msg" }],
  ["/history", { type: "history", conv: undefined }],
  ["/history ~", { type: "history", conv: "~" }],
  ["/to", { type: "open", conv: "~" }],
  ["/a bob", { type: "open", conv: "@bob" }],
  ["/connect", { type: "connect", url: undefined, name: undefined }],
  ["/connect ws://h:1 eva", { type: "connect", url: "ws://h:1", name: "eva" }],
  ["/disconnect", { type: "disconnect" }],
  ["/names", { type: "users" }],
  ["/nombres", { type: "users" }],
  ["/me  waves\nand goes ", { type: "say", text: "/me waves\nand goes" }],
  ["/me", { type: "mistake", of: "me", written: "/me" }],
  ["/search two words", { type: "search", text: "two words" }],
  ["/buscar", { type: "search", text: "" }],
  ["/nonsense x", { type: "mistake", of: undefined, written: "/nonsense" }],
  ["/constructor", { type: "mistake", of: undefined, written: "/constructor" }],
  ["/status constructor", { type: "mistake", of: "status", written: "/status" }],
])("%j", (line, command) => {
  expect(parse(line)).toEqual(command);
});

test.each<[before: string, tabs: number, after: string]>([
  ["/us", 1, "/users "],
  ["/na", 1, "/names "],
  ["/se", 1, "/search "],
  ["/m", 2, "/me "],
  ["/who", 1, "/who "],
  ["/di", 1, "/discard "],
  ["/di", 2, "/disconnect "],
  ["/di", 3, "/discard "],
  ["/msg b", 1, "/msg bob "],
  ["/msg an", 1, '/msg "ana maria" '],
  ["/status b", 1, "/status busy"],
  ["bo", 1, "bob: "],
  ["hello jos", 1, "hello José "],
  ["/users b", 1, "/users b"],
  ["xyz", 1, "xyz"],
])("%j and %i tabs: %j", (before, tabs, after) => {
  const known = {
    names: ["bob", "ana maria", "José"],
    language: "en",
    isModerator: false,
  } as const;
  let step = complete(withText(EMPTY, before), undefined, 1, known);
  for (let tab = 1; tab < tabs; tab++) step = complete(step.editor, step.cycle, 1, known);
  expect(step.editor.text).toBe(after);
});

test.each<[args: string[], isTty: boolean, expected: object]>([
  [
    ["--name", "ana"],
    true,
    { type: "run", options: { mode: "screen", url: "ws://localhost:9000" } },
  ],
  [["--name", "ana"], false, { type: "run", options: { mode: "plain", to: "~" } }],
  [["--name", "ana", "--plain", "--to", "@bob"], true, { options: { mode: "plain", to: "@bob" } }],
  [["--name", "ana", "--json", "--to", "bob"], true, { options: { mode: "json", to: "@bob" } }],
  [[], true, { type: "run", options: { name: undefined } }],
  [[], false, { type: "wrong" }],
  [["--name", "ana", "--url", "http://x"], true, { type: "wrong" }],
  [["--name", "ana", "--wait", "soon"], true, { type: "wrong" }],
  [["--name", "ana", "--wait", "0"], true, { type: "wrong" }],
  [["--name", "ana", "--wait", "0.5"], true, { options: { waitMs: 500 } }],
  [["--name", "ana", "--wait", "2147484"], true, { options: { waitMs: 2_147_483_647 } }],
  [["--name", "ana", "--wait", "Infinity"], true, { options: { waitMs: 2_147_483_647 } }],
  [["--nonsense"], true, { type: "wrong" }],
  [["ana"], true, { type: "wrong" }],
  [["--help"], false, { type: "help" }],
  [["--name", "ana"], true, { options: { bell: "none" } }],
  [["--name", "ana", "--bell"], true, { options: { bell: "all" } }],
  [["--bell", "--name", "ana"], true, { options: { bell: "all" } }],
  [["--bell", "mentions", "--name", "ana"], true, { options: { bell: "mentions" } }],
  [["--bell=none", "--name", "ana"], true, { options: { bell: "none" } }],
  [["--bell", "loud", "--name", "ana"], true, { type: "wrong" }],
  [["--name", "--bell"], true, { type: "wrong" }],
])("%j, at a terminal: %s", (args, isTty, expected) => {
  const around = { environment: {}, isInputTty: isTty, isOutputTty: isTty };
  expect(readOptions(args, around)).toMatchObject(expected);
});

test("an unchanged row is not written again; after a character of doubtful width the column is set", () => {
  const frame = (...texts: string[]): Frame => ({
    lines: texts.map((text) => [span(text, "accent")]),
    cursor: { row: 0, column: 0 },
  });
  const options = { columns: 20, isColoured: true };
  const first = paint([], frame("same", "one"), options);
  const second = paint(first.rows, frame("same", "two"), options);
  expect(first.output).toContain("same");
  expect(second.output).not.toContain("same");
  expect(second.output).toContain("\x1b[2;1H\x1b[36mtwo\x1b[m\x1b[K");
  expect(paint([], frame("👨‍👩‍👧x"), options).output).toContain("👨‍👩‍👧\x1b[3Gx");
  expect(paint([], frame("x"), { ...options, isColoured: false }).output).not.toMatch(/\x1b\[3\dm/);
  expect(paint([], frame("x".repeat(30)), options).output).not.toMatch(/x{21}|\x1b\[K/);
});

function viewAfter(...events: Action[]): View {
  return events.reduce((view, event) => update(view, event, NOW).view, begin("ana"));
}

function message(seq: number, from: string, text: string, conv = "~"): Action {
  const message = { conv, epoch: "1", seq, mid: `m${seq}`, from, ts: NOW, text };
  return { type: "message", message };
}

function screen(view: View, some: Partial<Screen> = {}): Screen {
  const texts = textsFor("en_GB.UTF-8");
  const url = "ws://localhost:9000";
  const rest = {
    anchor: undefined,
    overlay: undefined,
    prompt: undefined,
    search: undefined,
    columns: 90,
    rows: 20,
    today: NOW,
    nowMs: NOW,
  };
  return { view, url, texts, editor: EMPTY, ...rest, ...some };
}

function picture(of: Screen): string[] {
  return render(of).lines.map((line) => line.map(({ text }) => text).join(""));
}

const OPEN: Action = { type: "state", state: { name: "open" } };

const HELP = { type: "help", from: 0 } as const;

test("help longer than the screen is paged, and complete on a narrow screen", () => {
  for (const [columns, rows] of [
    [80, 24],
    [40, 12],
  ] as const) {
    const seen = new Set<string>();
    const of = (from: number): string =>
      picture(screen(viewAfter(OPEN), { columns, rows, overlay: { type: "help", from } })).join(
        "\n",
      );
    for (let from = 0; from < 100; from++) {
      for (const word of of(from).match(/[/\w-]+/g)!) seen.add(word);
    }
    const words = ["/users", "everybody's", "/quit", "goodbye", "Ctrl-Z", "suspend", "another"];
    expect(words.filter((each) => !seen.has(each.replace(/'s$/, "")))).toEqual([]);
    expect(of(0)).toContain("PgDn: more");
    expect(of(1e6)).not.toContain("PgDn: more");
    expect(of(1e6)).toContain("suspend");
  }
});

test("help can be paged to its end on a low terminal", () => {
  const view = viewAfter(OPEN);
  for (const rows of [9, 10, 24]) {
    const store = { view, dispatch: () => {} };
    const now = (): Screen => screen(view, { rows, overlay: controller.overlay });
    const controller: InputController = new InputController({ store, screen: now } as never);
    controller.overlay = HELP;
    expect(picture(now()).join("\n")).toContain("PgDn: more");
    for (let page = 0; page < 100; page++) controller.scroll({ by: "page", to: 1 });
    expect(picture(now()).join("\n")).not.toContain("PgDn: more");
  }
});

test("who has left for good is shown without a name", () => {
  const view = viewAfter(OPEN, message(1, "~", "old"), message(2, "~", "/me waves"));
  expect(picture(screen(view)).join("\n")).toMatch(/\(left\) {2}old +\n.*\* {2}\(left\) waves/);
});

test("a removed message is shown as such, and found no more", () => {
  const removal = { conv: "~", epoch: "1", seq: 3, mid: "m3", from: "bob", ts: NOW, text: "" };
  const view = viewAfter(OPEN, message(1, "bob", "a secret, Ana"), message(2, "eve", "hello"), {
    type: "message",
    message: { ...removal, removes: 1 },
  });
  const seen = picture(screen(view)).join("\n");
  expect(seen).toMatch(/bob {2}\(this message was removed\) +\n.*eve {2}hello/);
  expect(seen).not.toContain("secret");
  expect(hits(view, "removed")).toEqual([]);
  expect(lineOf({ ...removal, removes: 1 })).toBeUndefined();
  expect(lineOf({ ...removal, removed: true })).toBeUndefined();
});

test("every frame has the terminal's height and at most its width, at every size", () => {
  const evil = "日本語 👨‍👩‍👧 \x1b[2J\u202e\u0085\u2028 " + "x".repeat(300);
  const choices = { type: "options", options: ["\x9b31m\u2028 ", "b"], chosen: 0 } as const;
  const view = viewAfter(
    OPEN,
    message(1, "bob", evil),
    message(2, "日本語の名前はとても長い", evil, "@b"),
  );
  for (const columns of [24, 40, 71, 72, 100, 200]) {
    for (const rows of [8, 9, 24, 60]) {
      for (const sheet of [undefined, HELP, { type: "users", from: 1e6 }, choices] as const) {
        const size = { columns, rows, sheet, editor: withText(EMPTY, evil.repeat(2)) };
        const frame = render(screen(view, size));
        const lines = picture(screen(view, size));
        expect(lines.length).toBe(rows);
        for (const line of lines) {
          expect(line).not.toMatch(/[\p{Cc}\u2028\u202e]/u);
          expect(width(line), `${columns}x${rows}: ${line}`).toBeLessThanOrEqual(columns);
        }
        expect(frame.cursor.row).toBeLessThan(rows);
        expect(frame.cursor.column).toBeLessThan(columns);
      }
    }
  }
  expect(picture(screen(view, { columns: 10, rows: 3 })).length).toBe(1);
});

test("the screen shows statuses, unread counts, typing, and how much is held back", () => {
  const change = {
    count: 3,
    full: true,
    gone: [],
    set: [
      ["bob", "busy"],
      ["eva", "inactive"],
      ["ana", "active"],
    ],
  } as const;
  const welcome: Action = { type: "welcome", conversations: [], maxChars: 100 };
  const events: Action[] = [
    OPEN,
    welcome,
    { type: "presence", change },
    message(1, "bob", "hi", "@bob"),
    { type: "typing", typing: { conv: "~", from: "eva" } },
  ];
  const shown = picture(screen(viewAfter(...events))).join("\n");
  expect(shown).toMatch(/2 bob +◐ +1 /);
  expect(shown).toMatch(/◐ bob +busy/);
  expect(shown).toMatch(/○ eva +inactive/);
  expect(shown).toContain("eva is typing …");
  expect(shown).toContain("● ana active");
  const busy: Action[] = [{ type: "choose status", status: "busy" }, message(1, "eva", "secret")];
  const held = picture(screen(viewAfter(...events, ...busy))).join("\n");
  expect(held).toContain("You are busy: 1 message is waiting.");
  expect(held).not.toContain("secret");
  const spanish = picture(screen(viewAfter(...events), { texts: textsFor("es_MX.UTF-8") })).join(
    "\n",
  );
  expect(spanish).toContain("eva está escribiendo …");
});

test("a text that is too long stays in the line, with a hint about the limit", () => {
  const view = viewAfter(OPEN, { type: "send", text: "x".repeat(5_000), mid: "x" });
  expect(picture(screen(view))[1]).toContain("too long: at most 4096 characters");
});

test("a lost connection shows a countdown, and each message its state", () => {
  const error = new TertuliaError("lost", "");
  const state = { name: "waiting", retryAtMs: NOW + 2_500, error } as const;
  const lost: Action = { type: "state", state };
  const send: Action = { type: "send", text: "hello", mid: "x" };
  const failed: Action = { type: "publish failed", conv: "~", mid: "x", problem: "unavailable" };
  const waiting = picture(screen(viewAfter(OPEN, send, lost))).join("\n");
  expect(waiting).toContain("Connection lost. Next attempt in 3 s");
  expect(waiting).toContain("hello …");
  const notSent = picture(screen(viewAfter(OPEN, send, failed))).join("\n");
  expect(notSent).toContain("hello !");
  expect(notSent).toContain("Not sent: The chat could not do it in time.");
});

test("the scroll position stays when messages are added below and above", () => {
  const texts = textsFor("en");
  const lines = (from: number, to: number) => {
    const events = Array.from({ length: to - from + 1 }, (_, at) =>
      message(from + at, `u${at}`, `text ${from + at}`),
    );
    return transcriptLines(viewAfter(OPEN, ...events), 60, texts, NOW);
  };
  const shown = (
    all: ReturnType<typeof lines>,
    anchor: Parameters<typeof visibleRange>[1],
  ): string[] => {
    const { from, until } = visibleRange(all, anchor, 6);
    return all
      .slice(from, until)
      .flatMap(({ spans }) => /text \d+/.exec(spans.map(({ text }) => text).join("")) ?? [])
      .map(String);
  };
  const before = lines(20, 40);
  const [end, above] = [
    ["text 35", "text 36", "text 37", "text 38", "text 39", "text 40"],
    ["text 29", "text 30", "text 31", "text 32", "text 33", "text 34"],
  ];
  expect(shown(before, undefined)).toEqual(end);
  const anchor = scrollBy(before, undefined, 6, -6);
  expect(shown(before, anchor)).toEqual(above);
  expect(shown(lines(20, 60), anchor)).toEqual(above);
  expect(shown(lines(1, 60), anchor)).toEqual(above);
  expect(scrollBy(before, anchor, 6, 6)).toBeUndefined();
  expect(visibleRange(before, scrollBy(before, undefined, 6, -999), 6).from).toBe(0);
});

test("80 columns and 24 rows have 20 messages, each with its time and author, and the day", () => {
  const events = Array.from({ length: 60 }, (_, at) =>
    message(at + 1, at % 3 === 0 ? "bob" : "eva", `text ${at + 1}`),
  );
  const view = viewAfter(OPEN, ...events);
  const all = picture(screen(view, { columns: 80, rows: 24 }));
  const said = all.flatMap((line) => /│ 12:00 +(?:bob|eva) {2}text (\d+)/.exec(line)?.[1] ?? []);
  expect(said.map(Number)).toEqual(Array.from({ length: 21 }, (_, at) => 40 + at));
  const few = picture(screen(viewAfter(OPEN, ...events.slice(0, 20)), { columns: 80, rows: 24 }));
  expect(few[1]).toMatch(/─ Today ─/);
  expect(few.filter((line) => /text \d/.test(line)).length).toBe(20);
});

test("on a narrow screen the title shows the open conversation, and the user's status if there is room", () => {
  const view = viewAfter(OPEN, { type: "open", conv: "@somebody with a long name" });
  const title = (columns: number): string => picture(screen(view, { columns, rows: 10 }))[0]!;
  expect(title(24)).toMatch(/^ somebody… ● ana active $/);
  expect(title(40)).toMatch(/^ somebody with a long name ● ana active $/);
  expect(title(60)).toMatch(/^ somebody with a long name +● ana active $/);
});

test("actions (/me) are shown as actions, stored or on their way", () => {
  const view = viewAfter(
    OPEN,
    message(1, "bob", "/me waves to ana"),
    message(2, "bob", "/me"),
    message(3, "bob", "/meow"),
    { type: "send", text: "/me waves back", mid: "x" },
  );
  const shown = picture(screen(view)).join("\n");
  expect(shown).toMatch(/ +\* {2}bob waves to ana/);
  expect(shown).toMatch(/bob {2}\/me */);
  expect(shown).toMatch(/bob {2}\/meow/);
  expect(shown).toMatch(/ +\* {2}ana waves back …/);
  expect(lineOf({ conv: "~", from: "bob", text: "/me waves" })).toBe("~ bob: /me waves");
});

test.each<[name: string, text: string, found: string[]]>([
  ["ana", "ana, Ana and ANA: @ana", ["ana", "Ana", "ANA", "ana"]],
  ["ana", "banana anabel ana2 ana_x ana-maria x-ana", []],
  ["ana", "(ana) ana's _ana_ --ana ana- ana.", ["ana", "ana", "ana", "ana", "ana", "ana"]],
  ["ana", "anaさん 日本語ana", ["ana", "ana"]],
  ["ana", "añana aná ana\u0301", []],
  ["José", "JOSÉ jose\u0301 jose", ["JOSÉ", "jose\u0301"]],
  ["健二", "健二さん、はい", ["健二"]],
  ["ana maria", "Ana Maria or ana", ["Ana Maria"]],
  ["c++", "c++ and cc++", ["c++"]],
  ["a.b", "a.b axb", ["a.b"]],
  ["👩‍💻", "hi 👩‍💻!", ["👩‍💻"]],
  ["Σίσυφος", "ΣΊΣΥΦΟΣ", ["ΣΊΣΥΦΟΣ"]],
])("%s is mentioned in %j: %j", (name, text, found) => {
  expect(mentions(text, name).map(({ from, to }) => text.slice(from, to))).toEqual(found);
});

test("a mention is highlighted wherever the line is broken, but not in own messages", () => {
  const view = viewAfter(
    OPEN,
    message(1, "bob", "it is for Ana, not banana"),
    message(2, "ana", "ana"),
  );
  const looks = transcriptLines(view, 34, textsFor("en"), NOW).map(({ spans }) =>
    spans.filter(({ look }) => look === "mention").map(({ text }) => text.trim()),
  );
  expect(looks.flat()).toEqual(["bob", "Ana"]);
});

test("a mention in the general chat is marked in the list while another conversation is open", () => {
  const elsewhere: Action[] = [OPEN, { type: "open", conv: "@eva" }];
  const list = (...events: Action[]): string =>
    picture(screen(viewAfter(...elsewhere, ...events))).join("\n");
  expect(list(message(1, "bob", "bananas"))).toMatch(/1 Everybody +1 /);
  expect(list(message(1, "bob", "Ana?"), message(2, "bob", "?"))).toMatch(/1 Everybody +@2 /);
  expect(list(message(1, "ana", "I, ana"), message(2, "bob", "?"))).toMatch(/1 Everybody +1 /);
  expect(list(message(1, "bob", "Ana?"), { type: "choose status", status: "busy" })).toMatch(/@1 /);
  expect(list({ type: "choose status", status: "busy" }, message(1, "bob", "Ana?"))).not.toMatch(
    /@/,
  );
});

test("bells ring for everything, for private messages and mentions, or for nothing", () => {
  const at = (conv: string, text: string): Message => ({
    conv,
    text,
    epoch: "1",
    seq: 1,
    mid: "m",
    from: "bob",
    ts: NOW,
  });
  const messages = [at("~", "hello"), at("~", "hello ANA"), at("@bob", "hello")];
  const ringing = (bell: Bell): boolean[] => messages.map((each) => shouldRing(bell, each, "ana"));
  expect(ringing("all")).toEqual([true, true, true]);
  expect(ringing("mentions")).toEqual([false, true, true]);
  expect(ringing("none")).toEqual([false, false, false]);
});

test.each<[text: string, sought: string, found: string[]]>([
  ["José and JOSE", "josé", ["José", "JOSE"]],
  ["jose\u0301!", "jose", ["jose\u0301"]],
  ["straße", "STRASSE", ["straße"]],
  ["aaaa", "aa", ["aa", "aa"]],
  ["日本語", "本", ["本"]],
  ["(a.b)", "a.b)", ["a.b)"]],
  ["a", "", []],
])("in %j, a search for %j finds %j", (text, sought, found) => {
  expect(occurrences(text, sought).map(({ from, to }) => text.slice(from, to))).toEqual(found);
});

test("highlights keep their places where lines are wrapped", () => {
  const text = "one two  three\n\n  four";
  const marks = [{ from: 4, to: 14, look: "match" }] as const;
  const lines = highlighted(text, wrap(text, 8), marks);
  expect(lines.map((line) => line.map((each) => each.text))).toEqual([
    ["one ", "two"],
    ["three"],
    [],
    ["  four"],
  ]);
  expect(
    lines
      .flat()
      .filter(({ look }) => look === "match")
      .map((each) => each.text),
  ).toEqual(["two", "three"]);
});
