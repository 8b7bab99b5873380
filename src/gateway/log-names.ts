/** Names in the log: as they are, as a keyed hash, or not at all. */
import { createHmac, randomBytes } from "node:crypto";
import { bytesFromName, type Name } from "../chat/names.js";
import { shown } from "../wire/shown.js";

export interface LogNames {
  readonly how: "plain" | "hash" | "omit";
  /** Of the hash: nodes with the same one write the same for a name. None: a random one for this node's life. */
  readonly key?: string | undefined;
}

/** Cut: enough to tell a million names apart. */
const HASH_CHARS = 12;

/** Undefined where there is nothing to be said. */
export function nameWriter({ how, key }: LogNames): (name: Name) => string | undefined {
  switch (how) {
    case "plain":
      return (name) => shown(bytesFromName(name));
    case "hash": {
      const secret = key ?? randomBytes(32);
      return (name) =>
        createHmac("sha256", secret)
          .update(bytesFromName(name))
          .digest("base64url")
          .slice(0, HASH_CHARS);
    }
    case "omit":
      return () => undefined;
    default:
      return how satisfies never;
  }
}
