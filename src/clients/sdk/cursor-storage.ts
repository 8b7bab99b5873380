/** Keeps key and cursors across reloads of a page, in a storage like `sessionStorage`. */
import type { Cursors } from "./events.js";
import { isConv, isKey } from "./argument-checks.js";
import type { StorageLike } from "./options.js";
import { randomId } from "./platform.js";

export interface CursorStorageOptions {
  readonly storage: StorageLike | undefined;
  /** The key of the entry. */
  readonly item: string;
  /** The storage is full, or not allowed. The chat works without. */
  readonly onError: (error: unknown) => void;
}

/** One client's entry in a storage, until another client of the same chat and name overwrites it. */
export class CursorStorage {
  readonly #options: CursorStorageOptions;
  /** Of an earlier page, if there was one. */
  readonly key: string | undefined;
  readonly cursors: Cursors;
  /** Each entry that this client writes begins with this; undefined until it has taken the entry over. */
  #mark: string | undefined;

  constructor(options: CursorStorageOptions) {
    this.#options = options;
    const { key, cursors } = this.#read();
    this.key = isKey(key) ? key : undefined;
    this.cursors = Object.fromEntries(Object.entries(cursors ?? {}).filter(isCursor));
  }

  /** The first call takes the entry over. Writes nothing once another client has taken it. */
  save(key: string, cursors: () => Cursors): void {
    const { storage, item, onError } = this.#options;
    if (storage === undefined) return;
    try {
      if (this.#mark !== undefined && !storage.getItem(item)?.startsWith(this.#mark)) return;
      this.#mark ??= `{"by":"${randomId()}",`;
      storage.setItem(item, this.#mark + JSON.stringify({ key, cursors: cursors() }).slice(1));
    } catch (error) {
      onError(error);
    }
  }

  /** Other programs write there too: the shape is not trusted. */
  #read(): { readonly key?: unknown; readonly cursors?: unknown } {
    const { storage, item, onError } = this.#options;
    try {
      return (JSON.parse(storage?.getItem(item) ?? "{}") as object | null) ?? {};
    } catch (error) {
      onError(error);
      return {};
    }
  }
}

function isCursor(entry: [conv: string, cursor: unknown]): entry is [string, [string, number]] {
  const [conv, cursor] = entry;
  if (!isConv(conv) || !Array.isArray(cursor)) return false;
  const [epoch, seq] = cursor as unknown[];
  const isEpoch = typeof epoch === "string" && /^[0-9a-z]{1,16}$/.test(epoch);
  return isEpoch && Number.isSafeInteger(seq) && (seq as number) >= 0;
}
