/** The chat's screen: conversations and people beside the open conversation. */
import type { ComponentChildren } from "preact";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { unreadTotal } from "../view/lists.js";
import type { Conv } from "../view/model.js";
import { onPopState, firstPane, goTo, goToList, type Pane } from "./routing.js";
import { Announcer } from "./announcer.js";
import { focusComposer } from "./composer.js";
import { renderNow } from "./render.js";
import { PersonCard } from "./person-card.js";
import { useKeyboardShortcuts } from "./keyboard-shortcuts.js";
import { isNarrow } from "./screen.js";
import { useChat } from "./chat-session.js";
import { Sidebar } from "./sidebar.js";
import { ConversationPane } from "./conversation-pane.js";

export function Chat({ onJoinAgain }: { readonly onJoinAgain: () => void }): ComponentChildren {
  const { view, dispatch, t } = useChat();
  const [pane, setPane] = useState<Pane>(() => firstPane(view.open));
  /** Rendered at once: the next key belongs to what is opened. */
  const show = useCallback(
    (conv: Conv) => {
      renderNow(() => {
        dispatch({ type: "hide card" });
        dispatch({ type: "open", conv });
        dispatch({ type: "search", text: "" });
        setPane("talk");
      });
      focusComposer();
    },
    [dispatch],
  );
  const open = useCallback(
    (conv: Conv) => {
      goTo(conv);
      show(conv);
    },
    [show],
  );
  const search = useCallback(() => {
    renderNow(() => {
      dispatch({ type: "hide card" });
      setPane("list");
    });
    const field = document.querySelector<HTMLInputElement>("#search");
    field?.focus();
    field?.select();
  }, [dispatch]);
  const write = useCallback(() => {
    renderNow(() => {
      dispatch({ type: "search", text: "" });
      setPane("talk");
    });
    document.getElementById("composer")?.focus();
  }, [dispatch]);
  useKeyboardShortcuts({ open, search, write });

  const unread = unreadTotal(view);
  useEffect(() => {
    document.title = unread === 0 ? "Tertulia" : `(${unread}) Tertulia`;
    return () => void (document.title = "Tertulia");
  }, [unread]);
  const shown = useRef(view.open);
  shown.current = view.open;
  useEffect(() => {
    const popped = (): void => {
      const { pane: to, conv } = onPopState(shown.current);
      if (to === "list" && isNarrow()) renderNow(() => setPane("list"));
      else show(conv);
    };
    addEventListener("popstate", popped);
    return () => removeEventListener("popstate", popped);
  }, [show]);
  useEffect(() => {
    const asked = (event: Event): void => open((event as CustomEvent<Conv>).detail);
    addEventListener("tertulia-open", asked);
    return () => removeEventListener("tertulia-open", asked);
  }, [open]);

  return (
    <div class="chat" data-pane={pane} data-line={view.connection.name}>
      <Sidebar onOpen={open} />
      <ConversationPane
        isShown={pane === "talk" || !isNarrow()}
        onBack={() => {
          goToList(view.open);
          setPane("list");
        }}
        onJoinAgain={onJoinAgain}
      />
      {view.card && <PersonCard card={view.card} onOpen={open} />}
      <Announcer />
      <p hidden id="keys-hint">
        {t.keys}
      </p>
    </div>
  );
}
