/** Names in the log: as they are, as a keyed hash, or not at all. */
import { createHmac, randomBytes } from "node:crypto";
import { bytesFromName, type Name } from "../chat/names.js";
import { shown } from "../wire/shown.js";

export interface LogNames {
  readonly how: "plain" | "hash" | "omit";
  /** The key of the hash: nodes with the same key log the same hash for a name. None: a random one per node. */
  readonly key?: string | undefined;
}

/** A hash is cut to this length, which is enough to tell a million names apart. */
const HASH_CHARS = 12;

/** How names are logged; undefined where they are omitted. */
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
