/** Names and texts as a log or a terminal may show them, so that nobody is misled. */
import { EMPTY, isPlain } from "../chat/visible.js";
import { cutAtCharacter } from "./bytes.js";

/** More is cut. */
const SHOWN_BYTES = 64;
const HIDDEN_CHARACTERS = String.raw`\\\ufffd\p{DI}\p{C}${EMPTY}[\p{Z}--[ \u3000]]`;
const HIDDEN = new RegExp(`[${HIDDEN_CHARACTERS}]`, "gv");
const HIDDEN_OR_MARK = new RegExp(String.raw`[${HIDDEN_CHARACTERS}\p{M}]`, "gv");

/**
 * What is plainly visible stands for itself. An invisible character is written `\u{200d}`, a byte that is no
 * UTF-8 `\xff`, a backslash `\\`.
 */
export function shown(bytes: Uint8Array): string {
  let text = "";
  let rest = cutAtCharacter(bytes, SHOWN_BYTES);
  while (rest.length > 0) {
    const valid = validPart(rest);
    text += escaped(decoder.decode(rest.subarray(0, valid)));
    if (valid < rest.length) text += `\\x${rest[valid]!.toString(16).padStart(2, "0")}`;
    rest = rest.subarray(valid + 1);
  }
  return bytes.length > SHOWN_BYTES ? `${text}…` : text;
}

function escaped(text: string): string {
  if (isPlain(text)) return text.replaceAll("\\", String.raw`\\`);
  const isComposed = text === text.normalize("NFC");
  return text.replace(isComposed ? HIDDEN : HIDDEN_OR_MARK, (character) =>
    character === "\\" ? String.raw`\\` : `\\u{${character.codePointAt(0)!.toString(16)}}`,
  );
}

/** How many of the first bytes are valid UTF-8. */
function validPart(bytes: Uint8Array): number {
  if (isValid(bytes)) return bytes.length;
  let at = 0;
  while (at < bytes.length) {
    const length = [0, 1, 2, 3, 4].find(
      (size) => size > 0 && isValid(bytes.subarray(at, at + size)),
    );
    if (length === undefined) return at;
    at += length;
  }
  return at;
}

function isValid(bytes: Uint8Array): boolean {
  try {
    return fatal.decode(bytes) !== "";
  } catch {
    return false;
  }
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const fatal = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });
