/** How `tertulia.v1.json` writes names and conversations, in UTF-8. */
import {
  addressOf,
  formatAddress,
  parseAddress,
  type Address,
  type Conversation,
} from "../chat/conversation.js";
import { bytesFromName, nameFromBytes, type Name } from "../chat/names.js";

/** The reader's address of a conversation. A private one has another address for each of its two users. */
export function convOf(conversation: Conversation, reader?: Name): string {
  if (conversation.kind === "general") return formatAddress(conversation);
  if (conversation.kind === "room") return textFromName(formatAddress(conversation));
  if (reader === undefined) throw new Error("a private conversation is told to one of its users");
  return textFromName(formatAddress(addressOf(conversation, reader)));
}

/** @throws RangeError if it is no address; the schema has checked that it is. */
export function addressFromConv(conv: string): Address {
  const address = parseAddress(nameFromText(conv));
  if (address === undefined) throw new RangeError("no conversation has this address");
  return address;
}

/** Of a text, in UTF-8. */
export function bytesOf(text: string): Uint8Array {
  return encoder.encode(text);
}

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
