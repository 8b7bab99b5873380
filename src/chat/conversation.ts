/**
 * Conversations: the general chat, two users, or a room. How a user addresses one, what it is stored
 * as, and who hears of it. PROTOCOL.md, words.
 */
import type { Name } from "./names.js";

declare const roomBrand: unique symbol;

/** A room's name, without the `#`: its bytes, one character per byte, as in a {@link Name}. */
export type RoomName = string & { readonly [roomBrand]: true };

/**
 * How a user names a conversation: `~`, `@user` or `#room`. Rooms can be named, but do not exist yet:
 * `policy.ts` refuses every command to one.
 */
export type Address =
  | { readonly kind: "general" }
  | { readonly kind: "direct"; readonly user: Name }
  | { readonly kind: "room"; readonly room: RoomName };

/** A conversation as it is stored: the same for everybody in it. */
export type Conversation =
  | { readonly kind: "general" }
  | DirectConversation
  | { readonly kind: "room"; readonly room: RoomName };

export interface DirectConversation {
  readonly kind: "direct";
  /** In the order of their bytes; twice the same for notes to oneself. */
  readonly between: readonly [Name, Name];
}

/** Who hears of what happens in a conversation. */
export type Audience = "everybody" | "members" | readonly Name[];

/** The general chat, as an address and as a conversation. */
export const GENERAL = { kind: "general" } as const;

/** The address that a text is, or undefined. A text of bytes, one character per byte. */
export function parseAddress(text: string): Address | undefined {
  if (text === "~") return GENERAL;
  const rest = text.slice(1);
  if (rest === "" || rest === "~") return undefined;
  if (text.startsWith("@")) return { kind: "direct", user: rest as Name };
  if (text.startsWith("#")) return { kind: "room", room: rest as RoomName };
  return undefined;
}

/** The other way round. Two addresses are the same exactly if their texts are. */
export function formatAddress(address: Address): string {
  switch (address.kind) {
    case "general":
      return "~";
    case "direct":
      return `@${address.user}`;
    case "room":
      return `#${address.room}`;
    default:
      return address satisfies never;
  }
}

/** The conversation that a user means by an address. */
export function conversationOf(address: Address, self: Name): Conversation {
  return address.kind === "direct" ? conversationBetween(self, address.user) : address;
}

/** How one of its users addresses a conversation. */
export function addressOf(conversation: Conversation, self: Name): Address {
  if (conversation.kind !== "direct") return conversation;
  return { kind: "direct", user: otherOf(conversation, self) };
}

/** A text that stands for a conversation in maps. No name has a control byte, so no two are alike. */
export function keyOf(conversation: Conversation): string {
  return conversation.kind === "direct"
    ? `@${conversation.between[0]}\n${conversation.between[1]}`
    : formatAddress(conversation);
}

/** Each user once. Of a room, only its store knows the members. */
export function audienceOf(conversation: Conversation): Audience {
  switch (conversation.kind) {
    case "general":
      return "everybody";
    case "direct": {
      const { between } = conversation;
      return between[0] === between[1] ? [between[0]] : between;
    }
    case "room":
      return "members";
    default:
      return conversation satisfies never;
  }
}

export function conversationBetween(a: Name, b: Name): DirectConversation {
  return { kind: "direct", between: a < b ? [a, b] : [b, a] };
}

/** Whom one of the two talks to; oneself in notes to oneself. */
export function otherOf({ between: [a, b] }: DirectConversation, one: Name): Name {
  return a === one ? b : a;
}
