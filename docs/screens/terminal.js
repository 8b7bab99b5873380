/**
 * `npm run screenshots:tui`: two people talk in tmux, on a gateway of their own; what ana sees is written
 * beside this file as terminal.txt and, with its looks, terminal.svg. Needs tmux.
 */
/* oxlint-disable no-control-regex -- looks are escape sequences */
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { WebSocket } from "ws";
import { width } from "../../dist/clients/tui/width.js";
import { connect } from "../../dist/clients/sdk/tertulia.js";

const [COLUMNS, ROWS] = [92, 20];
const HERE = fileURLToPath(new URL(".", import.meta.url));
const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const SOCKET = `tertulia-screens-${process.pid}`;
const PALETTE = {
  plain: "#d5d9e0",
  faint: "#737c8c",
  accent: "#5cc8c8",
  bad: "#e08080",
  mention: "#e5c07b",
};
const PLAIN = { color: "plain", isBold: false, isUnderlined: false };
const GROUND = "#14181f";
const [CELL, LINE, MARGIN] = [8.4, 19, 20];

const dataDir = mkdtempSync(join(tmpdir(), "tertulia-screens-"));
const environment = { ...process.env, DATA_DIR: dataDir, PORT: "9000", HOST: "127.0.0.1" };
const gateway = spawn(process.execPath, [join(ROOT, "dist/main.js")], {
  env: environment,
  stdio: ["ignore", "pipe", "inherit"],
});
const people = [];
try {
  await ready();
  await act();
  const screen = tmux("capture-pane", "-p", "-e", "-t", "ana").replace(/\n$/, "");
  const rows = screen.split("\n").map(spansOf);
  const texts = rows.map((row) =>
    row
      .map(({ text }) => text)
      .join("")
      .trimEnd(),
  );
  writeFileSync(join(HERE, "terminal.txt"), `${texts.join("\n")}\n`);
  writeFileSync(join(HERE, "terminal.svg"), svgOf(rows));
  console.log(texts.join("\n"));
} finally {
  await Promise.all(people.map((each) => each.close()));
  execFileSync("tmux", ["-L", SOCKET, "kill-server"], { stdio: "ignore" });
  const gone = new Promise((resolve) => gateway.once("exit", resolve));
  gateway.kill();
  await gone;
  rmSync(dataDir, { recursive: true, force: true });
}

async function act() {
  const program = `${process.execPath} ${join(ROOT, "dist/clients/tui/main.js")} --name ana`;
  const locale = "env LANG=C.UTF-8 LC_ALL=C.UTF-8 NO_COLOR=";
  const size = ["-x", `${COLUMNS}`, "-y", `${ROWS}`];
  tmux("-f", "/dev/null", "new-session", "-d", "-s", "ana", ...size, `${locale} ${program}`);
  await seen("ana active");
  const [bob, eva, kenji, teresa] = ["bob", "eva", "健二", "teresa"].map(joins);
  await Promise.all(people.map((each) => each.joined()));
  await eva.setStatus("busy");
  await bob.publish("~", "Good morning! Is the tertulia still at six?");
  await says("Yes, at six, at the café on the corner ☕");
  await bob.publish("~", "Perfect. I bring the newspaper, and somebody who wants to meet you all.");
  await bob.publish("~", "He has read more Borges than the rest of us together.");
  await kenji.publish("~", "はじめまして! Nice to meet you 👋");
  await teresa.publish("~", "/me waves from the other end of the table");
  await says("Welcome, Kenji! Which one should we begin with?");
  await eva.publish("@ana", "Can you call me before?");
  await eva.publish("@ana", "It is about the present for bob");
  await teresa.setStatus("inactive");
  await kenji.publish("~", "The Library of Babel, of course.");
  await bob.publish("~", "Ana, will you read the first page aloud?");
  await seen("of course", "aloud", "inactive");
  bob.typing("~");
  tmux("send-keys", "-t", "ana", "-l", "I hoped you would say that");
  await seen("typing");
}

function joins(name) {
  const chat = connect("ws://127.0.0.1:9000", { name, WebSocket });
  people.push(chat);
  return chat;
}

async function says(text) {
  tmux("send-keys", "-t", "ana", "-l", text);
  tmux("send-keys", "-t", "ana", "Enter");
  await seen(text.slice(0, 20));
}

async function ready() {
  let printed = "";
  gateway.stdout.on("data", (chunk) => (printed += chunk));
  await until(() => printed.includes('"event":"node_ready"') || printed.includes("is ready on"));
}

async function seen(...texts) {
  await until(() => {
    const screen = tmux("capture-pane", "-p", "-t", "ana");
    return texts.every((text) => screen.includes(text));
  });
}

async function until(isSo) {
  const lateMs = Date.now() + 20_000;
  while (!isSo()) {
    if (Date.now() > lateMs) throw new Error("it was not seen within 20 s");
    await pause(50);
  }
}

function tmux(...args) {
  return execFileSync("tmux", ["-u", "-L", SOCKET, ...args], { encoding: "utf8" });
}

/** SGR, as far as the client uses it here: bold, underlined, foreground. */
function spansOf(row) {
  const spans = [];
  let look = PLAIN;
  for (const part of row.split(/(\x1b\[[\d;]*m)/)) {
    const parameters = /^\x1b\[([\d;]*)m$/.exec(part)?.[1];
    if (parameters === undefined) {
      if (part !== "") spans.push({ ...look, text: part });
      continue;
    }
    for (const each of parameters.split(";").map(Number)) {
      if (each === 0) look = PLAIN;
      else if (each === 1) look = { ...look, isBold: true };
      else if (each === 4) look = { ...look, isUnderlined: true };
      else if (each === 33) look = { ...look, color: "mention" };
      else if (each === 36) look = { ...look, color: "accent" };
      else if (each === 31) look = { ...look, color: "bad" };
      else if (each === 90) look = { ...look, color: "faint" };
      else if (each === 39) look = { ...look, color: "plain" };
    }
  }
  return spans;
}

/** Each run of words stands at its own column: fonts differ, columns do not. */
function svgOf(rows) {
  const lines = rows.flatMap((row, at) => {
    let column = 0;
    const y = (MARGIN + (at + 0.75) * LINE).toFixed(1);
    return row.flatMap(({ text, color, isBold, isUnderlined }) =>
      text.split(/( {2,}|^ +| +$)/).map((part) => {
        const x = (MARGIN + column * CELL).toFixed(1);
        const columns = width(part);
        column += columns;
        const rule = isUnderlined ? ruleAt(x, y, columns) : "";
        if (part.trim() === "") return rule;
        const weight = isBold ? ' font-weight="700"' : "";
        const size = `textLength="${(columns * CELL).toFixed(1)}" lengthAdjust="spacingAndGlyphs"`;
        return `<text x="${x}" y="${y}" fill="${PALETTE[color]}"${weight} ${size}>${escaped(part)}</text>${rule}`;
      }),
    );
  });
  const [w, h] = [COLUMNS * CELL + 2 * MARGIN, rows.length * LINE + 2 * MARGIN].map(Math.ceil);
  const font = "ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace";
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${w} ${h}" width="${w}" height="${h}">`,
    `<rect width="${w}" height="${h}" rx="10" fill="${GROUND}"/>`,
    `<g font-family="${font}" font-size="14">`,
    ...lines.filter((line) => line !== ""),
    "</g>\n</svg>\n",
  ].join("\n");
}

function ruleAt(x, y, columns) {
  const width = (columns * CELL).toFixed(1);
  return `<rect x="${x}" y="${Number(y) + 4}" width="${width}" height="1" fill="${PALETTE.faint}"/>`;
}

function escaped(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
