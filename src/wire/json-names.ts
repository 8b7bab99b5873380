/** Names in JSON: characters, where they are bytes elsewhere. PROTOCOL.md, names and texts. */
import { bytesFromName, nameFromBytes, type Name } from "../chat/names.js";

export function nameFromText(text: string): Name {
  return IS_ASCII.test(text) ? (text as Name) : nameFromBytes(encoder.encode(text));
}

/** Of a name, or of an address. U+FFFD stands for what is no valid UTF-8. */
export function textFromName(name: string): string {
  return IS_ASCII.test(name) ? name : decoder.decode(bytesFromName(name));
}

/** Of such a text the characters are the bytes. */
// oxlint-disable-next-line no-control-regex -- these are ASCII too
const IS_ASCII = /^[\x00-\x7f]*$/;
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
