/** The rules: who may be called what, who may say what to whom. Knows neither sockets nor Redis. */
import type { Command, Refusal, Reply } from "./commands.js";
import { conversationOf, type Conversation } from "./conversation.js";
import type { ConversationState, Page, Range } from "./history.js";
import type { Name } from "./names.js";
import type { ConversationStore, Holder, NotedActivity, Present, UserStore } from "./ports.js";

export interface ChatRules {
  /** Tells whether an operator's pattern allows the name; the fixed rules hold besides. */
  readonly allowsName: (name: Name) => boolean;
  /** How many users a list, and how many messages a history, may have. */
  readonly pageSize: number;
  /** A new message id, unique per author for at least the time in which a message may be retried. */
  readonly newMessageId: () => string;
}

export class Chat {
  readonly #store: UserStore;
  readonly #archive: ConversationStore;
  readonly #rules: ChatRules;

  constructor(store: UserStore, archive: ConversationStore, rules: ChatRules) {
    this.#store = store;
    this.#archive = archive;
    this.#rules = rules;
  }

  /** Why nobody can be called this, or undefined. */
  refuseName(name: Name): "bad_name" | undefined {
    const isGood = FIXED_NAME_RULES.test(name) && this.#rules.allowsName(name);
    return isGood ? undefined : "bad_name";
  }

  /** Whether a connected user has the name at this moment; claims nothing. */
  async isTaken(name: Name): Promise<boolean> {
    const user = await this.#store.user(name);
    return user !== undefined && user.status !== "disconnected";
  }

  /** Claims the holder's name, or a share of it. `held`: it was the holder's already. */
  async join(holder: Holder): ReturnType<UserStore["claim"]> {
    return this.#store.claim(holder);
  }

  /** Asks whoever holds the name, on any node, to show that it is there. May be lost. */
  async contest(name: Name): Promise<void> {
    await this.#archive.tell({ type: "contested", name });
  }

  /** Tells whoever wants the name, on any node, that its holder is there. May be lost. */
  async defend(name: Name): Promise<void> {
    await this.#archive.tell({ type: "defended", name });
  }

  /** Signs the holder out, unless the name has gone to somebody else. */
  async leave(holder: Holder): Promise<void> {
    await this.#store.leave(holder, "left");
  }

  /** Notes what people did lately. See {@link UserStore.touch}. */
  async touch(activities: readonly NotedActivity[]): Promise<void> {
    await this.#store.touch(activities);
  }

  /** The general chat, then the user's private conversations. */
  async conversations(name: Name): Promise<ConversationState[]> {
    return this.#archive.conversations(name);
  }

  async page(conversation: Conversation, range: Range): Promise<Page> {
    return this.#archive.page(conversation, range);
  }

  async present(bucket: number): Promise<Present> {
    return this.#archive.present(bucket);
  }

  /**
   * Carries out what a session asks. Whatever others must hear comes back through the feed, to the
   * sender too; `accepted` says only that it will.
   *
   * @throws Unavailable when the store gave no answer in time.
   */
  async execute(holder: Holder, command: Exclude<Command, { type: "register" }>): Promise<Reply> {
    switch (command.type) {
      case "list":
        return { type: "users", users: await this.#store.roster(this.#rules.pageSize) };
      case "lookup": {
        const user = await this.#store.user(command.name);
        return user === undefined ? refused("unknown_user") : { type: "user", user };
      }
      case "status":
        return this.#setStatus(holder, command);
      case "send":
        return this.#send(holder, command);
      case "history": {
        const conversation = conversationOf(command.of, holder.name);
        const messages = await this.#store.history(conversation, this.#rules.pageSize);
        return { type: "history", messages };
      }
      case "page": {
        const conversation = conversationOf(command.of, holder.name);
        const page = await this.#archive.page(conversation, command.range);
        return { type: "page", conversation, page };
      }
      case "read": {
        const conversation = conversationOf(command.of, holder.name);
        const mark = await this.#archive.markRead(holder.name, conversation, command.seq);
        return { type: "read", conversation, ...mark };
      }
      case "typing":
        if (command.to.kind === "direct" && !FIXED_NAME_RULES.test(command.to.user)) {
          return refused("unknown_user");
        }
        await this.#archive.tell({
          type: "typing",
          author: holder.name,
          conversation: conversationOf(command.to, holder.name),
        });
        return { type: "accepted" };
      default:
        return command satisfies never;
    }
  }

  async #setStatus(
    holder: Holder,
    { name, status }: Extract<Command, { type: "status" }>,
  ): Promise<Reply> {
    if (name !== undefined && name !== holder.name) return refused("forbidden");
    if (status === "disconnected") {
      await this.#store.leave(holder, "asked");
      return { type: "accepted" };
    }
    const outcome = await this.#store.setStatus(holder, status);
    if (outcome === "gone") return refused("not_registered");
    if (outcome === "changed") return { type: "accepted" };
    return { type: "unchanged", user: { name: holder.name, status } };
  }

  async #send(
    holder: Holder,
    { to, text, mid, mayWait }: Extract<Command, { type: "send" }>,
  ): Promise<Reply> {
    if (to.kind === "direct") {
      const recipient = await this.#store.user(to.user);
      if (recipient === undefined) return refused("unknown_user");
      if (text.length === 0) return refused("empty_message");
      if (recipient.status === "disconnected" && mayWait !== true)
        return refused("recipient_disconnected");
    } else if (text.length === 0) return refused("empty_message");
    const draft = {
      author: holder,
      conversation: conversationOf(to, holder.name),
      mid: mid ?? this.#rules.newMessageId(),
      text,
    };
    const { repeated, ...stored } = await this.#store.append(draft);
    const { conversation } = draft;
    return { type: "stored", message: { conversation, mid: draft.mid, ...stored }, repeated };
  }
}

/**
 * 1 to 64 bytes, no control byte, not `~`, not beginning with `#` or `@`: these are addresses of other
 * conversations. PROTOCOL.md, names.
 */
// oxlint-disable-next-line no-control-regex -- control bytes are what it keeps out
const FIXED_NAME_RULES = /^(?!~$|[#@])[^\x00-\x1f\x7f]{1,64}$/s;

function refused(refusal: Refusal): Reply {
  return { type: "refused", refusal };
}
