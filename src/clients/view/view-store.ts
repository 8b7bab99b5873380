/**
 * A store: the view of one SDK client. Dispatches the client's events and the user's actions to `update`, and runs the
 * effects on the client.
 *
 *     const store = new ViewStore(connect(url, { name }), { view: begin(name), onChange: draw });
 *     store.dispatch({ type: "send", text: "hello", mid: crypto.randomUUID() });
 */
import type { TertuliaError } from "../sdk/error.js";
import type { State } from "../sdk/events.js";
import type { Tertulia } from "../sdk/tertulia.js";
import type { Problem, Unsent, View, Action, Effect } from "./model.js";
import { update } from "./update.js";

export interface ViewStoreOptions {
  /** `begin(name)`, perhaps with drafts. */
  readonly view: View;
  /** Messages that an earlier page was sending: they are sent again. */
  readonly unsent?: readonly Unsent[];
  /** The view has changed. Not called for the first view. */
  onChange?(view: View): void;
  /** Somebody wrote while this user was not looking and is not busy. */
  onNotify?(effect: Extract<Effect, { type: "notify" }>): void;
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
    const view = { ...options.view, me: chat.name }; // normalized
    this.#view = update(view, this.#stateAction(chat.state), this.#now()).view;
    this.#resendUnsent(options.unsent ?? []);
    chat.on("state", (state) => this.dispatch(this.#stateAction(state)));
    chat.on("welcome", ({ conversations, limits, role }) =>
      this.dispatch({ type: "welcome", conversations, maxChars: limits.text, role }),
    );
    chat.on("message", (message) => this.dispatch({ type: "message", message }));
    chat.on("presence", (change) => this.dispatch({ type: "presence", change }));
    chat.on("typing", (typing) => this.dispatch({ type: "typing", typing }));
    chat.on("read", (mark) => this.dispatch({ type: "read", mark }));
    chat.on("gap", (gap) => this.dispatch({ type: "gap", gap }));
    chat.on("error", (error) => this.dispatch({ type: "error", problem: problemOf(error) }));
  }

  get view(): View {
    return this.#view;
  }

  dispatch(action: Action): void {
    const before = this.#view;
    const { view, effects } = update(before, action, this.#now(), Date.now());
    this.#view = view;
    if (view !== before) this.#options.onChange?.(view);
    for (const effect of effects) void this.#runEffect(effect);
  }

  #resendUnsent(messages: readonly Unsent[]): void {
    const { view, effects } = update(this.#view, { type: "unsent", messages }, this.#now());
    this.#view = view;
    for (const effect of effects) void this.#runEffect(effect);
  }

  /** The SDK's state, with the time of the next attempt by the store's clock. */
  #stateAction(state: State): Action {
    if (state.name !== "waiting") return { type: "state", state };
    const retryAtMs = state.retryAtMs - Date.now() + this.#now();
    return { type: "state", state: { ...state, retryAtMs } };
  }

  /** Never rejects: a failure is dispatched as an action. */
  async #runEffect(effect: Effect): Promise<void> {
    try {
      await this.#perform(effect);
    } catch (error) {
      this.#onFailure(effect, problemOf(error));
    }
  }

  async #perform(effect: Effect): Promise<void> {
    const { chat } = this;
    switch (effect.type) {
      case "publish": {
        const { conv, text, mid, firstSentMs } = effect;
        const published = await chat.publish(conv, text, { mid, firstSentMs });
        this.dispatch({ type: "published", published });
        return;
      }
      case "history": {
        const { ask, conv, before } = effect;
        const page = await chat.history(conv, { before, limit: 100 });
        this.dispatch({ type: "page", ask, page });
        return;
      }
      case "user": {
        const { user } = effect;
        this.dispatch({ type: "user", user, status: await chat.user(user) });
        return;
      }
      case "read":
        await chat.markRead(effect.conv, effect.seq);
        return;
      case "status":
        await chat.setStatus(effect.status);
        this.dispatch({ type: "status set" });
        return;
      case "watch":
        await chat.presence.watch(effect.names);
        return;
      case "typing":
        chat.typing(effect.conv);
        return;
      case "notify":
        this.#options.onNotify?.(effect);
        return;
      case "close":
        await chat.close();
        return;
      default:
        effect satisfies never;
    }
  }

  #onFailure(effect: Effect, problem: Problem): void {
    switch (effect.type) {
      case "publish":
        this.dispatch({ type: "publish failed", conv: effect.conv, mid: effect.mid, problem });
        return;
      case "history":
        this.dispatch({ type: "page failed", ask: effect.ask, conv: effect.conv, problem });
        return;
      case "user":
        if (problem === "not_found")
          this.dispatch({ type: "user", user: effect.user, status: "unknown" });
        else this.dispatch({ type: "error", problem });
        return;
      case "status":
        this.dispatch({ type: "status failed", problem });
        return;
      case "watch":
      case "read":
      case "typing":
      case "notify":
      case "close":
        if (problem !== "closed") this.dispatch({ type: "error", problem });
        return;
      default:
        effect satisfies never;
    }
  }
}

function problemOf(error: unknown): Problem {
  const { name, code } = error as Partial<TertuliaError>;
  return name === "TertuliaError" && code !== undefined ? code : "unknown";
}
