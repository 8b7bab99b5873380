/** The composer: grows with the text, keeps it as a draft, sends with Enter. */
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { conversationIn } from "../view/accessors.js";
import { renderNow } from "./render.js";
import { Icon } from "./icons.js";
import { useChat } from "./chat-session.js";

interface Props {
  readonly peer: string | undefined;
  readonly onSent: () => void;
}

export function Composer({ peer, onSent }: Props): ComponentChildren {
  const { view, dispatch, t } = useChat();
  const field = useRef<HTMLTextAreaElement>(null);
  const { draft } = conversationIn(view, view.open);
  const over = Array.from(draft).length - view.maxChars;

  useLayoutEffect(focusComposer, []); // before the next key

  const send = (event?: Event): void => {
    event?.preventDefault();
    // read from the field, not from the last render: keys are faster than frames
    const text = field.current!.value;
    if (text.trim() === "" || Array.from(text).length > view.maxChars) return;
    renderNow(() => dispatch({ type: "send", text, mid: newId() })); // the field is empty before the next key
    onSent();
    field.current?.focus();
  };

  return (
    <form class="composer" onSubmit={send}>
      <div class="composer-box">
        <div class="composer-field" data-text={draft}>
          <textarea
            id="composer"
            ref={field}
            rows={1}
            dir="auto"
            value={draft}
            aria-label={t.messageTo(peer)}
            aria-describedby="keys-hint"
            placeholder={t.messageTo(peer)}
            onInput={(event) =>
              dispatch({ type: "draft", conv: view.open, text: event.currentTarget.value })
            }
            onKeyDown={(event) => {
              if (event.key === "Enter" && !event.shiftKey) send(event);
            }}
          />
        </div>
        <button
          class="send"
          aria-label={t.send}
          title={t.sendHint}
          disabled={draft.trim() === "" || over > 0}
        >
          <Icon name="send" />
        </button>
      </div>
      {over > 0 && (
        <p class="problem" role="status">
          {t.tooLong(over)}
        </p>
      )}
    </form>
  );
}

export function focusComposer(): void {
  // on a touch screen this would open the keyboard
  if (!matchMedia("(pointer: coarse)").matches) document.getElementById("composer")?.focus();
}

/** `crypto.randomUUID` exists only with https. */
function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
