/** The reducer: an action and a view in, the next view and its effects out. */
import { REPLACED, SENT_AWAY } from "../../wire/close-codes.js";
import type { TertuliaError } from "../sdk/error.js";
import type { Status } from "../sdk/events.js";
import { applyUserAction } from "./user-actions.js";
import {
  isSilent,
  withoutStored,
  withMessage,
  withFailed,
  withPage,
  withPublished,
  withoutOldest,
} from "./conversation.js";
import {
  EVERYBODY,
  type Connection,
  type Conv,
  type Conversation,
  type Problem,
  type Step,
  type View,
  type Action,
  type Effect,
} from "./model.js";
import {
  requestHistory,
  loadOpenConversation,
  withConversation,
  conversationIn,
  withGap,
} from "./accessors.js";
import {
  startDoNotDisturb,
  endDoNotDisturb,
  withReportedStatus,
  shownUpTo,
  capShownUpTo,
} from "./do-not-disturb.js";
import { deriveEffects } from "./derived-effects.js";

const TYPING_FOR_MS = 5_000;
/** So many private conversations are fetched as soon as they are known. */
const FETCHED_AT_ONCE = 20;

/**
 * Pure. If nothing changed, the view is the same object.
 * @param nowMs By `performance.now()`, which is never set back: for everything that expires.
 * @param ts By `Date.now()`: the time of a message that is being sent, until it is stored.
 */
export function update(view: View, event: Action, nowMs: number, ts = nowMs): Step {
  const { view: next, effects } = change(view, event, nowMs, ts);
  return deriveEffects(next, effects, event, nowMs);
}

function change(view: View, event: Action, nowMs: number, ts: number): Step {
  switch (event.type) {
    case "state":
      return withoutEffects({ ...view, connection: connectionOf(view, event.state) });
    case "welcome":
      return onWelcome(view, event, nowMs);
    case "message":
      return onMessage(view, event.message);
    case "presence": {
      const people = new Map(view.people);
      for (const name of event.change.gone) people.delete(name);
      for (const [name, status] of event.change.set) people.set(name, status);
      const { count, full } = event.change;
      return withoutEffects(withReportedStatus({ ...view, people, count, isFull: full }, nowMs));
    }
    case "typing": {
      const { conv, from } = event.typing;
      if (from === view.me) return withoutEffects(view);
      return withoutEffects(withTyping(view, conv, from, nowMs + TYPING_FOR_MS));
    }
    case "read": {
      const { conv, read } = event.mark;
      const conversation = conversationIn(view, conv);
      const reportedRead = Math.max(conversation.reportedRead, read);
      return withoutEffects(
        withConversation(view, {
          ...conversation,
          read: Math.max(conversation.read, read),
          reportedRead,
        }),
      );
    }
    case "gap": {
      const { conv, after, before, reason } = event.gap;
      const conversation = { ...conversationIn(view, conv), expectsGap: false };
      if (reason === "rolled_back") {
        const next = capShownUpTo(
          withConversation(view, withoutStored(conversation, before - 1)),
          conv,
          before - 1,
        );
        return conversation.isLoaded && before > 1
          ? requestHistory(next, conv)
          : loadOpenConversation(next);
      }
      const head = Math.max(conversation.head, before - 1);
      if (reason === "limit") {
        return withGap(view, { ...conversation, head }, after);
      }
      const floor = Math.max(conversation.floor, before);
      return withoutEffects(withConversation(view, { ...conversation, head, floor }));
    }
    case "error":
      // before the connection is open, its state says what is wrong
      return withoutEffects(
        view.connection.name === "open" ? { ...view, problem: event.problem } : view,
      );
    case "published": {
      const { published } = event;
      return withoutEffects(
        withConversation(
          view,
          withPublished(conversationIn(view, published.conv), published, view.me),
        ),
      );
    }
    case "publish failed":
      return withoutEffects(
        withConversation(
          view,
          withFailed(conversationIn(view, event.conv), event.mid, event.problem),
        ),
      );
    case "page": {
      const conversation = conversationIn(view, event.page.conv);
      if (conversation.loading?.ask !== event.ask) return withoutEffects(view);
      return withoutEffects(withConversation(view, withPage(conversation, event.page, view.me)));
    }
    case "page failed": {
      const conversation = conversationIn(view, event.conv);
      if (conversation.loading?.ask !== event.ask) return withoutEffects(view);
      const next = withConversation(view, { ...conversation, loading: undefined });
      return withoutEffects(
        event.problem === "closed" ? next : { ...next, problem: event.problem },
      );
    }
    case "status set":
      return withoutEffects({ ...view, chosenAtMs: nowMs });
    case "status failed": {
      const chosen: Status = view.people.get(view.me) ?? "active";
      const next = { ...view, chosen, chosenAtMs: nowMs, problem: event.problem };
      return withoutEffects(chosen === "busy" ? startDoNotDisturb(next) : endDoNotDisturb(next));
    }
    case "user":
      if (view.card?.user !== event.user) return withoutEffects(view);
      return withoutEffects({ ...view, card: { user: event.user, status: event.status } });
    case "tick":
      return withoutEffects(withReportedStatus(withoutExpiredTyping(view, nowMs), nowMs));
    default:
      return applyUserAction(view, event, ts);
  }
}

function withoutEffects(view: View): Step {
  return { view, effects: [] };
}

function connectionOf(
  { connection }: View,
  state: Extract<Action, { type: "state" }>["state"],
): Connection {
  const wasOpen = connection.name === "open" || ("wasOpen" in connection && connection.wasOpen);
  switch (state.name) {
    case "connecting":
      return { name: "connecting", wasOpen };
    case "open":
      return { name: "open" };
    case "waiting":
      return { name: "waiting", retryAtMs: state.retryAtMs, wasOpen };
    case "closed":
      if (state.error === undefined) return { name: "away" };
      return {
        name: "closed",
        code: state.code,
        ...problemOf(state.code, state.reason, state.error),
      };
    default:
      return state satisfies never;
  }
}

/** Reasons of a close by nobody's will but this user's or the operator's. Another one is shown as the chat says it. */
const WITHOUT_A_PERSON = ["revoked", "unregistered"] as const;

/** Of a connection that was closed for good. Also for programs that show no screen. */
export function problemOf(
  code: number,
  reason: string,
  error: TertuliaError,
): { readonly problem: Problem; readonly why?: string } {
  if (code === REPLACED) return { problem: "replaced" };
  if (code === SENT_AWAY) {
    const problem = WITHOUT_A_PERSON.find((each) => each === reason);
    return problem === undefined ? { problem: "sent_away", why: reason } : { problem };
  }
  return error.code === "banned"
    ? { problem: "banned", why: error.message }
    : { problem: error.code };
}

function onWelcome(
  view: View,
  { conversations, maxChars, role }: Extract<Action, { type: "welcome" }>,
  nowMs: number,
): Step {
  // busy was sent again with hello, and may be reported late
  const chosenAtMs = view.chosen === "busy" ? Math.max(view.chosenAtMs, nowMs) : view.chosenAtMs;
  let next: View = { ...view, maxChars, role, problem: undefined, chosenAtMs };
  for (const { conv, head, floor, ts = 0, read, recovered } of conversations) {
    const own = conversationIn(next, conv);
    const isNew = !next.conversations.has(conv) || !own.isLoaded;
    next = capShownUpTo(next, conv, head);
    next = withConversation(next, {
      ...own,
      head: Math.max(own.head, head),
      floor: Math.max(own.floor, floor),
      ts,
      // where something is missing, our numbers may mean other messages
      read: recovered ? Math.max(own.read, read) : read,
      reportedRead: read,
      expectsGap: !recovered,
      newFrom: isNew && conv === view.open && read > 0 && head > read ? read + 1 : own.newFrom,
    });
  }
  const effects: Effect[] = [];
  const fetched = conversations
    .map(({ conv }) => next.conversations.get(conv)!)
    .filter(({ conv, head, isLoaded }) => conv !== EVERYBODY && head > 0 && !isLoaded)
    .toSorted((one, two) => two.ts - one.ts)
    .slice(0, FETCHED_AT_ONCE);
  for (const { conv } of fetched) {
    const step = requestHistory(next, conv);
    next = step.view;
    effects.push(...step.effects);
  }
  for (const conv of new Set([next.open, EVERYBODY])) {
    const step = conversationIn(next, conv).isLoaded
      ? { view: next, effects: [] }
      : requestHistory(next, conv);
    next = step.view;
    effects.push(...step.effects);
  }
  return { view: next, effects };
}

function onMessage(view: View, message: Extract<Action, { type: "message" }>["message"]): Step {
  const { conv, from } = message;
  const conversation = conversationIn(view, conv);
  const more = withoutOldest(
    withMessage(conversation, message, view.me),
    seenUpTo(view, conversation),
  );
  const next = withTyping(withConversation(view, more), conv, from, undefined);
  const isSeen = view.isLooking && view.open === conv;
  const isNotable =
    from !== view.me && !isSilent(message) && view.doNotDisturb === undefined && !isSeen;
  return { view: next, effects: isNotable ? [{ type: "notify", message }] : [] };
}

/** Up to where a conversation is on the screen, if a new message is not seen at once. */
function seenUpTo(view: View, { conv, read }: Conversation): number | undefined {
  if (view.open !== conv) return undefined;
  return shownUpTo(view, conv) ?? (view.isLooking ? undefined : read);
}

function withTyping(view: View, conv: Conv, from: string, untilMs: number | undefined): View {
  const before = view.typing.get(conv);
  if (untilMs === undefined && before?.has(from) !== true) return view;
  const people = new Map(before);
  if (untilMs === undefined) people.delete(from);
  else people.set(from, untilMs);
  return { ...view, typing: new Map(view.typing).set(conv, people) };
}

function withoutExpiredTyping(view: View, nowMs: number): View {
  let next = view;
  for (const [conv, people] of view.typing) {
    for (const [from, untilMs] of people) {
      if (untilMs <= nowMs) next = withTyping(next, conv, from, undefined);
    }
  }
  return next;
}
