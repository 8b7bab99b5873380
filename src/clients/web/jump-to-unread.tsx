/** A button that says how much is unread above, since when, and scrolls there. */
import type { ComponentChildren, RefObject } from "preact";
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { unreadCount } from "../view/conversation.js";
import { conversationIn } from "../view/accessors.js";
import type { Row } from "../view/timeline.js";
import { Icon } from "./icons.js";
import { useChat } from "./chat-session.js";
import { ShortTime } from "./times.js";

interface Props {
  readonly area: RefObject<HTMLDivElement | null>;
  readonly rows: readonly Row[];
}

export function JumpToUnread({ area, rows }: Props): ComponentChildren {
  const { view, t } = useChat();
  const conversation = conversationIn(view, view.open);
  const { newFrom } = conversation;
  const { isAllHere, ts } = useMemo(() => firstUnread(rows), [rows]);
  const [isAbove, setAbove] = useState(false);
  /** A divider that the user has seen needs no button. */
  const seen = useRef<number>(undefined);

  const go = (): void => {
    const box = area.current!;
    box.scrollTop += (unreadDividerIn(box)?.top ?? 0) - box.getBoundingClientRect().top;
    box.focus({ preventScroll: true });
  };
  useLayoutEffect(() => {
    const box = area.current!;
    const look = (): void => {
      const line = unreadDividerIn(box);
      const { top, bottom } = box.getBoundingClientRect();
      const isInSight = line !== undefined && line.bottom >= top && line.top < bottom;
      if (isInSight && isAllHere && document.hasFocus()) seen.current = newFrom;
      setAbove(line !== undefined && line.bottom < top && seen.current !== newFrom);
    };
    // after the scroller has restored the position
    queueMicrotask(look);
    box.addEventListener("scroll", look);
    return () => box.removeEventListener("scroll", look);
  }, [rows, newFrom, view.isLooking]);

  if (!isAbove || newFrom === undefined) return undefined;
  return (
    <button class="pill to-new" onClick={go}>
      {t.toEnd(unreadCount({ ...conversation, read: newFrom - 1 }, view.me))}
      {ts !== undefined && (
        <>
          {" "}
          {t.since} <ShortTime ts={ts} />
        </>
      )}
      <Icon name="up" />
    </button>
  );
}

function unreadDividerIn(box: HTMLElement): DOMRect | undefined {
  return box.querySelector(".divider-new")?.getBoundingClientRect();
}

/** Whether the first unread message is loaded (if not, the divider is where the loaded ones begin), and its time. */
function firstUnread(rows: readonly Row[]): { isAllHere: boolean; ts?: number } {
  const at = rows.findIndex(({ type }) => type === "new");
  const above = rows.slice(Math.max(0, at - 2), at);
  if (above.some((row) => row.type === "gap" && !row.isGone)) return { isAllHere: false };
  const first = rows[at + 1];
  return { isAllHere: true, ...(first?.type === "message" && { ts: first.message.ts }) };
}
