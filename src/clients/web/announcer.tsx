/** A live region: screen readers announce new messages of the open conversation. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Message } from "../sdk/events.js";
import { conversationIn } from "../view/accessors.js";
import { shownUpTo } from "../view/do-not-disturb.js";
import { useChat } from "./chat-session.js";

export function Announcer(): ComponentChildren {
  const { view } = useChat();
  const [told, setTold] = useState<Message>();
  const said = useRef({ conv: "", seq: 0 });
  const { conv, messages, isLoaded } = conversationIn(view, view.open);
  const last = messages.findLast(({ removes }) => removes === undefined);
  useEffect(() => {
    const { current } = said;
    const isLive = current.conv === conv && current.seq > 0;
    if (!isLoaded || last === undefined) return;
    said.current = { conv, seq: last.seq };
    if (!isLive || last.seq <= current.seq || last.from === view.me) return;
    if (shownUpTo(view, conv) !== undefined) return;
    setTold(last);
  }, [conv, last, isLoaded]);
  const isRemoved = messages.some(({ seq, removed }) => removed === true && seq === told?.seq);
  return (
    <div class="unseen" role="log" aria-live="polite" aria-relevant="additions text">
      {told !== undefined && !isRemoved && `${told.from}: ${told.text}`}
    </div>
  );
}
