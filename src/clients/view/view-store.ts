/**
 * A desk: one SDK client and the view of it. Takes what the client tells and what is done at the
 * screen into the view, and asks the client for what the view wishes.
 *
 *     const desk = new Desk(connect(url, { name }), { view: begin(name), changed: draw });
 *     desk.do({ type: "send", text: "hello", mid: crypto.randomUUID() });
 */
import type { TertuliaError } from "../sdk/error.js";
import type { State } from "../sdk/events.js";
import type { Tertulia } from "../sdk/tertulia.js";
import type { Problem, Underway, View, Action, Effect } from "./model.js";
import { update } from "./update.js";

export interface ViewStoreOptions {
  /** `begin(name)`, perhaps with drafts. */
  readonly view: View;
  /** What an earlier page of this user's was sending: sent again. */
  readonly underway?: readonly Underway[];
  /** The view is another one; not called for the first, which is in `view`. */
  changed?(view: View): void;
  /** Somebody wrote while this user was not looking, and is not busy. */
  notify?(wish: Extract<Effect, { type: "notify" }>): void;
  /** A clock that is never set back. Default: `performance.now()`. */
  readonly now?: () => number;
}

export class ViewStore {
  readonly chat: Tertulia;
  readonly #options: ViewStoreOptions;
  readonly #now: () => number;
  #view: View;

  constructor(chat: Tertulia, options: ViewStoreOptions) {
    this.chat = chat;
    this.#options = options;
    this.#now = options.now ?? ((): number => performance.now());
    const view = { ...options.view, me: chat.name }; // as it is spelt in the chat
    this.#view = update(view, this.#told(chat.state), this.#now()).view;
    this.#goOn(options.underway ?? []);
    chat.on("state", (state) => this.do(this.#told(state)));
    chat.on("welcome", ({ conversations, limits }) =>
      this.do({ type: "welcome", conversations, maxChars: limits.text }),
    );
    chat.on("message", (message) => this.do({ type: "message", message }));
    chat.on("presence", (change) => this.do({ type: "presence", change }));
    chat.on("typing", (typing) => this.do({ type: "typing", typing }));
    chat.on("read", (mark) => this.do({ type: "read", mark }));
    chat.on("gap", (gap) => this.do({ type: "gap", gap }));
    chat.on("error", (error) => this.do({ type: "error", problem: problemOf(error) }));
  }

  get view(): View {
    return this.#view;
  }

  do(event: Action): void {
    const before = this.#view;
    const { view, wishes } = update(before, event, this.#now(), Date.now());
    this.#view = view;
    if (view !== before) this.#options.changed?.(view);
    for (const wish of wishes) void this.#grant(wish);
  }

  #goOn(messages: readonly Underway[]): void {
    const { view, wishes } = update(this.#view, { type: "underway", messages }, this.#now());
    this.#view = view;
    for (const wish of wishes) void this.#grant(wish);
  }

  /** The next attempt, as the clock of the desk counts. */
  #told(state: State): Action {
    if (state.name !== "waiting") return { type: "state", state };
    const retryAtMs = state.retryAtMs - Date.now() + this.#now();
    return { type: "state", state: { ...state, retryAtMs } };
  }

  /** Never rejects: what did not work is taken into the view. */
  async #grant(wish: Effect): Promise<void> {
    try {
      await this.#ask(wish);
    } catch (error) {
      this.#failed(wish, problemOf(error));
    }
  }

  async #ask(wish: Effect): Promise<void> {
    const { chat } = this;
    switch (wish.type) {
      case "publish": {
        const { conv, text, mid, firstSentMs } = wish;
        const published = await chat.publish(conv, text, { mid, firstSentMs });
        this.do({ type: "published", published });
        return;
      }
      case "history": {
        const { ask, conv, before } = wish;
        const page = await chat.history(conv, { before, limit: 100 });
        this.do({ type: "page", ask, page });
        return;
      }
      case "user": {
        const { user } = wish;
        this.do({ type: "user", user, status: await chat.user(user) });
        return;
      }
      case "read":
        await chat.markRead(wish.conv, wish.seq);
        return;
      case "status":
        await chat.setStatus(wish.status);
        this.do({ type: "status set" });
        return;
      case "watch":
        await chat.presence.watch(wish.names);
        return;
      case "typing":
        chat.typing(wish.conv);
        return;
      case "notify":
        this.#options.notify?.(wish);
        return;
      case "close":
        await chat.close();
        return;
      default:
        wish satisfies never;
    }
  }

  #failed(wish: Effect, problem: Problem): void {
    switch (wish.type) {
      case "publish":
        this.do({ type: "publish failed", conv: wish.conv, mid: wish.mid, problem });
        return;
      case "history":
        this.do({ type: "page failed", ask: wish.ask, conv: wish.conv, problem });
        return;
      case "user":
        if (problem === "not_found") this.do({ type: "user", user: wish.user, status: "unknown" });
        else this.do({ type: "error", problem });
        return;
      case "status":
        this.do({ type: "status failed", problem });
        return;
      case "watch":
      case "read":
      case "typing":
      case "notify":
      case "close":
        if (problem !== "closed") this.do({ type: "error", problem });
        return;
      default:
        wish satisfies never;
    }
  }
}

function problemOf(error: unknown): Problem {
  const { name, code } = error as Partial<TertuliaError>;
  return name === "TertuliaError" && code !== undefined ? code : "unknown";
}
