/** What the store and the feed of a random history hold: messages are numbered without holes, and announced in order. */
import type { Dice } from "./dice.js";

interface Conversation {
  /** Number of the newest message that is stored, and of the newest that the feed has told. */
  head: number;
  told: number;
  /** Who wrote what, from the first message on. */
  readonly authors: string[];
}

const CLAIMS = { new: 5, back: 4, held: 6, joined: 3, taken: 4, fails: 1, breaks: 0.3 };
const STATUSES = ["active", "busy", "inactive"];

export class RandomStore {
  readonly #dice: Dice;
  readonly #conversations: Readonly<Record<string, Conversation>>;

  constructor(dice: Dice) {
    this.#dice = dice;
    this.#conversations = { "~": filled(dice.upTo(5)), "@bob": filled(dice.upTo(3)) };
  }

  /** An answer to a question, as the store may give it now. */
  answerTo({ kind, line }: { readonly kind: string; readonly line: string }): string {
    const dice = this.#dice;
    if (kind !== "claim" && kind !== "contest" && dice.chance(0.06))
      return `${kind} ${dice.one(["fails", "fails", "breaks"])}`;
    switch (kind) {
      case "claim":
        return `claim ${dice.weighted(CLAIMS)}`;
      case "contest":
        return `contest ${dice.one(["free", "held"])}`;
      case "append":
        return `append ${this.#write(line.split(" ")[1]!, "ana")}`;
      case "status":
        return `status ${dice.weighted({ changed: 5, same: 3, gone: 1 })}`;
      case "user":
        return `user ${dice.one(["active", "disconnected", "none"])}`;
      case "roster":
        return "roster ana active, bob busy";
      case "history":
        return "history 1";
      case "read":
        return "read 1 0";
      case "conversations":
        return `conversations ${Object.keys(this.#conversations)
          .map((conv) => `${conv} ${this.#conversations[conv]!.head}`)
          .join(", ")}`;
      case "page":
        return `page ${this.#page(line)}`;
      default:
        return kind;
    }
  }

  /** What the feed tells next. */
  notice(): string {
    const dice = this.#dice;
    const type = dice.weighted({ message: 12, own: 3, other: 2, gap: 0.5, typing: 1, read: 1 });
    switch (type) {
      case "message":
        return this.#announce(dice.one(["~", "@bob"]));
      case "own": {
        const status = dice.chance(0.2) ? "disconnected cause left" : dice.one(STATUSES);
        return `status ana ${status}`;
      }
      case "other":
        return `status bob ${dice.one(STATUSES)}`;
      case "gap":
        return `gap ${dice.one(["missed", "harmless"])}`;
      case "typing":
        return "typing bob @ana";
      case "read":
        return "read ~ 1 0";
      default:
        return type satisfies never;
    }
  }

  /** Stores a message; returns its number. */
  #write(conv: string, author: string): number {
    const conversation = this.#conversations[conv]!;
    conversation.authors.push(author);
    return ++conversation.head;
  }

  /** The next one that is stored and not told yet; if there is none, bob writes one. */
  #announce(conv: string): string {
    const conversation = this.#conversations[conv]!;
    if (conversation.told === conversation.head) this.#write(conv, "bob");
    const seq = ++conversation.told;
    return `message ${conv} ${seq} ${conversation.authors[seq - 1]} "${conv} ${seq}"`;
  }

  /** `page ~ after 3 limit 100 epoch 0` */
  #page(line: string): string {
    const [, where = "", , seq, , limit] = line.split(" ");
    const conv = where === "~" ? "~" : "@bob";
    const { head } = this.#conversations[conv]!;
    const first = Number(seq) + 1;
    const last = Math.min(head, Number(seq) + Number(limit));
    return first > last ? `none of ${head}` : `${first}-${last} of ${head}`;
  }
}

function filled(head: number): Conversation {
  return { head, told: head, authors: Array.from({ length: head }, () => "bob") };
}
