/** The open conversation: header, timeline and composer. */
import type { ComponentChildren } from "preact";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { EVERYBODY } from "../view/model.js";
import { typingIn, unreadTotal } from "../view/lists.js";
import { Banners } from "./banners.js";
import { Composer } from "./composer.js";
import { StatusDot } from "./status-dot.js";
import { Face, Icon, Mark } from "./icons.js";
import { scrollToEnd } from "./scroller.js";
import { useChat } from "./chat-session.js";
import { Timeline } from "./timeline.js";

interface Props {
  /** Whether it is on the screen; on a narrow one the list may be instead. */
  readonly isShown: boolean;
  readonly onBack: () => void;
  readonly onJoinAgain: () => void;
}

export function ConversationPane({ isShown, onBack, onJoinAgain }: Props): ComponentChildren {
  const { view, dispatch } = useChat();
  const area = useRef<HTMLDivElement>(null);
  const [isAtEnd, setAtEnd] = useState(true);
  useLooking(isAtEnd && isShown);
  const peer = view.open === EVERYBODY ? undefined : view.open.slice(1);
  return (
    <main class="talk">
      <ConversationHeader peer={peer} onBack={onBack} />
      <Banners onJoinAgain={onJoinAgain} />
      <Timeline key={view.open} area={area} peer={peer} isAtEnd={isAtEnd} onEnd={setAtEnd} />
      <Typing />
      <Composer
        key={`to ${view.open}`}
        peer={peer}
        onSent={() => {
          scrollToEnd(area.current!); // so that the user sees it
          dispatch({ type: "look", isLooking: true, isHere: true });
        }}
      />
    </main>
  );
}

/** Reports whether the user sees the end of the conversation: at each sign of life, and when the layout changes. */
function useLooking(isAtEnd: boolean): void {
  const { dispatch } = useChat();
  const look = useCallback(
    (sign?: Event) => {
      const isSeen = !document.hidden && document.hasFocus();
      dispatch({
        type: "look",
        isLooking: isAtEnd && isSeen,
        isHere: isSeen && sign !== undefined,
      });
    },
    [dispatch, isAtEnd],
  );
  useEffect(() => {
    look();
    const signs = ["focus", "blur", "pointerdown", "keydown", "wheel"] as const;
    for (const sign of signs) addEventListener(sign, look, { passive: true });
    document.addEventListener("visibilitychange", look);
    return () => {
      for (const sign of signs) removeEventListener(sign, look);
      document.removeEventListener("visibilitychange", look);
    };
  }, [look]);
}

function ConversationHeader({
  peer,
  onBack,
}: {
  readonly peer: string | undefined;
  readonly onBack: () => void;
}): ComponentChildren {
  const { view, dispatch, t } = useChat();
  const unread = unreadTotal(view);
  const status = peer === undefined ? undefined : (view.people.get(peer) ?? "disconnected");
  return (
    <header class="talk-head">
      <button class="quiet-button back" onClick={onBack}>
        <Icon name="back" />
        <span class="unseen">{t.back}</span>
        {unread > 0 && <span class="badge">{unread > 99 ? "99+" : unread}</span>}
      </button>
      {peer === undefined ? (
        <span class="face face-all" aria-hidden="true">
          <Mark />
        </span>
      ) : (
        <Face name={peer} />
      )}
      <div class="talk-title">
        <h2>
          <bdi>{peer ?? t.everybody}</bdi>
        </h2>
        <p>
          {status === undefined ? (
            t.people(view.count)
          ) : (
            <>
              <StatusDot status={status} /> {t.status[status]}
            </>
          )}
        </p>
      </div>
      {peer !== undefined && (
        <button
          class="quiet-button"
          aria-label={t.about(peer)}
          title={t.about(peer)}
          onClick={() => dispatch({ type: "show card", user: peer })}
        >
          <Icon name="about" />
        </button>
      )}
    </header>
  );
}

function Typing(): ComponentChildren {
  const { view, t } = useChat();
  const names = typingIn(view, view.open);
  return (
    <p class="typing" aria-live="polite">
      {names.length > 0 && (
        <>
          <span class="typing-dots" aria-hidden="true">
            <i />
            <i />
            <i />
          </span>
          <bdi>{t.typing(names)}</bdi>
        </>
      )}
    </p>
  );
}
