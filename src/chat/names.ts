/** Who is in the chat: names, statuses, users. */

declare const nameBrand: unique symbol;

/**
 * A user's name: its bytes, one character (U+0000–U+00FF) per byte. So two names are equal exactly if
 * their bytes are, whatever those bytes spell.
 */
export type Name = string & { readonly [nameBrand]: true };

/** Instead of an author who has left for good. No user can have this name. */
export const NOBODY = "~" as Name;

/** In the order of their numbers: on the wire in bytes, and in stored data. */
export const STATUSES = ["disconnected", "active", "busy", "inactive"] as const;
export type Status = (typeof STATUSES)[number];

export type ConnectedStatus = Exclude<Status, "disconnected">;

export interface User {
  readonly name: Name;
  readonly status: Status;
  /** Whose the name is when nobody holds it. `known`: of who showed a key; `kept`: and nobody else gets it for now. */
  readonly owner?: "known" | "kept";
  /** Address of the device that connected last; only where addresses are kept. */
  readonly address?: string;
}

export function nameFromBytes(bytes: Uint8Array): Name {
  let name = "";
  for (const byte of bytes) name += String.fromCharCode(byte);
  return name as Name;
}

export function bytesFromName(name: string): Uint8Array {
  const bytes = new Uint8Array(name.length);
  for (let i = 0; i < name.length; i++) bytes[i] = name.charCodeAt(i);
  return bytes;
}
