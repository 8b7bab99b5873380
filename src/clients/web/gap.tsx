/** A gap in the timeline: its messages are requested before it scrolls into sight. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Conv } from "../view/model.js";
import { conversationIn } from "../view/accessors.js";
import type { Row } from "../view/timeline.js";
import { useChat } from "./chat-session.js";

interface Props {
  readonly gap: Extract<Row, { type: "gap" }>;
  readonly conv: Conv;
}

/** So far beyond the edges of the scrolled area. */
const AHEAD = "1000px 0px";

export function Gap({ gap, conv }: Props): ComponentChildren {
  const { view, dispatch, t } = useChat();
  const line = useRef<HTMLLIElement>(null);
  const [isNear, setNear] = useState(false);
  const isLoading = conversationIn(view, conv).loading !== undefined;
  const state = useRef<"due" | "asked">("due");
  const ask = (): void => dispatch({ type: "older", conv, before: gap.before });

  useEffect(() => {
    const root = line.current!.closest(".timeline");
    const watching = new IntersectionObserver((found) => setNear(found.at(-1)!.isIntersecting), {
      root,
      rootMargin: AHEAD,
    });
    watching.observe(line.current!);
    return () => watching.disconnect();
  }, []);
  useEffect(() => {
    if (!isNear) state.current = "due"; // may be requested again when it comes near again
    else if (!isLoading && state.current === "due" && !gap.isGone) {
      state.current = "asked"; // once: after a failure, the button requests it
      ask();
    }
  }, [isNear, isLoading]);

  return (
    <li class="gap" ref={line}>
      {gap.isGone ? (
        <span>{t.gone}</span>
      ) : (
        // focus from far away would scroll to it
        <button class="text-button" tabIndex={isNear ? 0 : -1} onClick={ask}>
          {t.loadOlder}
        </button>
      )}
    </li>
  );
}
