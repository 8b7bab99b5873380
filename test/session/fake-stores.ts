/** The stores and contests of a history: they note what is asked of them, and answer when the script says so. */
import type { Conversation } from "#tertulia/chat/conversation.js";
import type { Position } from "#tertulia/chat/events.js";
import type { Name } from "#tertulia/chat/names.js";
import {
  Unavailable,
  type ConversationStore,
  type Holder,
  type UserStore,
} from "#tertulia/chat/ports.js";
import {
  TIME,
  after,
  describeConversation,
  messageOf,
  numberAfter,
  pageOf,
  positionOf,
  stateOf,
  userOf,
} from "./model-notation.js";
import type { Transcript } from "./transcript.js";

/** What is asked, and how the words of an answer become its value. */
interface Asked {
  readonly kind: string;
  readonly line: string;
  readonly valueOf: (words: readonly string[]) => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

export class FakeStores {
  readonly #transcript: Transcript;
  readonly #asked: Asked[] = [];
  readonly #ids = new Map<string, string>();
  #offset = 0;

  constructor(transcript: Transcript) {
    this.#transcript = transcript;
  }

  /** What was asked and is not answered, oldest first: kind, and the whole line. */
  get pending(): readonly { readonly kind: string; readonly line: string }[] {
    return this.#asked;
  }

  /** Where the next event stands. */
  nextAt(): Position {
    return { generation: 1, offset: ++this.#offset };
  }

  /** Answers the oldest question of a kind: `claim new`, `append fails`. */
  answer(line: string): void {
    const [kind = "", ...words] = line.split(" ");
    const place = this.#asked.findIndex((each) => each.kind === kind);
    const [asked] = place === -1 ? [] : this.#asked.splice(place, 1);
    if (asked === undefined) this.#transcript.note("state", `nobody has asked: ${kind}`);
    else if (words[0] === "fails") asked.reject(new Unavailable("as the script says"));
    else if (words[0] === "breaks") asked.reject(new Error("as the script says"));
    else asked.resolve(asked.valueOf(words));
  }

  /** As the contests of a gateway. */
  readonly mayBeFree = (name: Name): Promise<boolean> =>
    this.#ask(`contest ${name}`, ([word]) => word === "free");

  /** How a holder is called in transcripts: `ana#1`. */
  describe({ name, id }: Pick<Holder, "name" | "id">): string {
    const label = this.#ids.get(id) ?? `#${this.#ids.size + 1}`;
    this.#ids.set(id, label);
    return `${name}${label}`;
  }

  readonly users: Pick<UserStore, "claim" | "leave" | "setStatus" | "user" | "roster" | "touch"> = {
    claim: async (holder) => {
      const key = holder.key === undefined ? "" : ` key ${this.#keyOf(holder.key)}`;
      const who = this.#live(`claim ${this.describe(holder)}${key}`, holder);
      return this.#ask(who, (words) => {
        const [outcome] = words;
        if (outcome === "taken" || outcome === "kept") return { outcome };
        const at = after(words, "at");
        const place = at === undefined ? this.nextAt() : positionOf(at);
        return { outcome: outcome as "new", at: place, tenureMs: 0, formerMs: 0 };
      });
    },
    leave: (holder, cause) =>
      this.#ask(`leave ${this.describe(holder)} ${cause}`, ([word]) => word !== "not"),
    setStatus: (holder, status) =>
      this.#ask(`status ${this.describe(holder)} ${status}`, ([word]) =>
        word === "gone"
          ? { outcome: word }
          : { outcome: word as "changed", at: { generation: 1, offset: 0 } },
      ),
    user: (name) =>
      this.#ask(`user ${name}`, ([status]) =>
        status === "none" ? undefined : userOf([name, status!]),
      ),
    roster: () =>
      this.#ask("roster", (words) =>
        words
          .join(" ")
          .split(", ")
          .map((user) => ({
            user: userOf(user.split(" ")),
            at: { generation: 1, offset: 0 },
          })),
      ),
    touch: async () => {},
  };

  readonly conversations: Pick<
    ConversationStore,
    "append" | "remove" | "history" | "conversations" | "page" | "markRead" | "tell"
  > = {
    append: async ({ author, conversation, mid, text }) => {
      const where = describeConversation(conversation, author.name);
      const said = JSON.stringify(Buffer.from(text).toString());
      const what = `append ${where} ${this.describe(author as Holder)} ${mid} ${said}`;
      return this.#ask(this.#live(what, author as Holder), (words) => ({
        seq: Number(words[0]),
        epoch: numberAfter(words, "epoch", 1),
        time: TIME,
        repeated: words.includes("again"),
      }));
    },
    remove: async ({ author, conversation, seq }) => {
      const { name } = author!;
      const where = describeConversation(conversation, name);
      const what = `remove ${where} ${this.describe(author as Holder)} ${seq}`;
      return this.#ask(this.#live(what, author as Holder), (words) => ({
        outcome: "removed",
        seq: Number(words[0]),
        author: name,
        by: name,
      }));
    },
    history: (conversation) =>
      this.#ask(`history ${shown(conversation)}`, ([count]) =>
        Array.from({ length: Number(count ?? 0) }, (_, i) => messageOf(conversation, i + 1)),
      ),
    conversations: (name) =>
      this.#ask(`conversations ${name}`, (words) =>
        words
          .join(" ")
          .split(", ")
          .map((line) => stateOf(line, name)),
      ),
    page: (conversation, { direction, seq, limit, epoch }) => {
      const from = seq === Number.MAX_SAFE_INTEGER ? "" : ` ${direction} ${seq}`;
      const of = epoch === undefined ? "" : ` epoch ${epoch}`;
      const what = `page ${shown(conversation)}${from} limit ${limit}${of}`;
      return this.#ask(what, (words) => pageOf(words, conversation));
    },
    markRead: (name, conversation, seq) =>
      this.#ask(`read ${describeConversation(conversation, name)} ${seq}`, ([read, unread]) => ({
        read: Number(read),
        unread: Number(unread ?? 0),
      })),
    tell: (event) => this.#ask(`tell ${event.type}`, () => undefined),
  };

  /** The stores of today refuse a holder that is not live any more before they ask Redis. */
  #live(line: string, { isLive }: Holder): string {
    if (isLive) return line;
    this.#transcript.note("node", `? ${line}, refused: not live`);
    throw new Unavailable("not live");
  }

  #keyOf(key: string): string {
    if (key.length === 24) this.#transcript.hide(key, "MADE");
    return key;
  }

  #ask<Value>(line: string, valueOf: (words: readonly string[]) => Value): Promise<Value> {
    this.#transcript.note("node", `? ${line}`);
    const kind = line.split(" ")[0]!;
    return new Promise<Value>((resolve, reject) => {
      this.#asked.push({
        kind,
        line,
        valueOf,
        resolve: resolve as (value: unknown) => void,
        reject,
      });
    });
  }
}

/** Both names: who asks is not known here. */
function shown(conversation: Conversation): string {
  return conversation.kind === "direct" ? conversation.between.join("+") : "~";
}
