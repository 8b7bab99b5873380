/** The timeline: messages in a scroller, with buttons to the end and to the first unread one. */
import type { ComponentChildren, RefObject } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import type { Message } from "../sdk/events.js";
import { unreadCount } from "../view/conversation.js";
import { conversationIn } from "../view/accessors.js";
import { shownUpTo } from "../view/do-not-disturb.js";
import { timelineRows as rowsOf } from "../view/timeline.js";
import { focusComposer } from "./composer.js";
import { Icon } from "./icons.js";
import { Removal } from "./removal.js";
import { TimelineRows } from "./timeline-rows.js";
import { Scroller, scrollToEnd, distanceToEnd } from "./scroller.js";
import { useChat } from "./chat-session.js";
import { JumpToUnread } from "./jump-to-unread.js";

interface Props {
  readonly area: RefObject<HTMLDivElement | null>;
  readonly peer: string | undefined;
  readonly isAtEnd: boolean;
  readonly onEnd: (isAtEnd: boolean) => void;
}

/** Within this distance, the end counts as visible. */
const END_PX = 48;
/** How far a page key scrolls, in screens. */
const PAGE = 0.875;

export function Timeline({ area, peer, isAtEnd, onEnd }: Props): ComponentChildren {
  const { view, t } = useChat();
  const conversation = conversationIn(view, view.open);
  const rows = useMemo(() => rowsOf(view), [conversation, view.doNotDisturb, view.open]);
  const [asked, setAsked] = useState<Message>();
  const { open: conv, me, role } = view;
  const lines = useMemo(
    () => <TimelineRows {...{ rows, conv, me, role, onRemove: setAsked }} />,
    [rows, role],
  );

  const toEnd = (): void => scrollToEnd(area.current!);
  usePageKeys(area);

  const { isLoaded, loading } = conversation;
  const unread = unreadCount(conversation, view.me, shownUpTo(view, view.open));
  return (
    <div class="timeline-frame">
      <Scroller
        area={area}
        label={t.messageTo(peer)}
        isBusy={loading !== undefined}
        lines={rows}
        onMove={() => onEnd(distanceToEnd(area.current!) < END_PX)}
      >
        {loading !== undefined && <p class="loading">{t.loading}</p>}
        {rows.length > 0
          ? lines
          : isLoaded && (
              <div class="empty">
                <p class="empty-title">{t.beginning}</p>
                <p>{peer === undefined ? t.emptyAll : t.emptyPrivate(peer)}</p>
              </div>
            )}
      </Scroller>
      {asked !== undefined && (
        <Removal
          message={asked}
          onRemoved={() => area.current!.focus({ preventScroll: true })} // its button goes
          onClose={() => setAsked(undefined)}
        />
      )}
      <JumpToUnread area={area} rows={rows} />
      {!isAtEnd && (
        <button
          class="pill to-end"
          onClick={() => {
            toEnd();
            focusComposer();
          }}
        >
          <Icon name="down" />
          {t.toEnd(unread)}
        </button>
      )}
    </div>
  );
}

/** Page keys scroll the timeline also while the composer has the focus. */
function usePageKeys(area: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    const pressed = (event: KeyboardEvent): void => {
      const { key, target, altKey, ctrlKey, metaKey, shiftKey } = event;
      const way = { PageUp: -1, PageDown: 1 }[key];
      if (way === undefined || altKey || ctrlKey || metaKey || shiftKey) return;
      if (target !== document.body && (target as Element).id !== "composer") return;
      event.preventDefault();
      area.current!.scrollTop += way * PAGE * area.current!.clientHeight;
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, [area]);
}
