/** The chat's screen: conversations and people beside the open conversation. */
import type { ComponentChildren } from "preact";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { unreadTotal } from "../view/lists.js";
import type { Conv } from "../view/model.js";
import { arrived, beginAt, goTo, goToList, type Pane } from "./address.js";
import { Announcer } from "./announcer.js";
import { focusComposer } from "./composer.js";
import { drawNow } from "./draw.js";
import { PersonCard } from "./person-card.js";
import { useKeys } from "./keys.js";
import { isNarrow } from "./screen.js";
import { useSeat } from "./seat.js";
import { Sidebar } from "./sidebar.js";
import { Talk } from "./talk.js";

export function Chat({ onJoinAgain }: { readonly onJoinAgain: () => void }): ComponentChildren {
  const { view, act, t } = useSeat();
  const [pane, setPane] = useState<Pane>(() => beginAt(view.open));
  /** At once: the next key belongs to what it opens, or to where one searches. */
  const show = useCallback(
    (conv: Conv) => {
      drawNow(() => {
        act({ type: "hide card" });
        act({ type: "open", conv });
        act({ type: "search", text: "" });
        setPane("talk");
      });
      focusComposer();
    },
    [act],
  );
  const open = useCallback(
    (conv: Conv) => {
      goTo(conv);
      show(conv);
    },
    [show],
  );
  const seek = useCallback(() => {
    drawNow(() => {
      act({ type: "hide card" });
      setPane("list");
    });
    const field = document.querySelector<HTMLInputElement>("#search");
    field?.focus();
    field?.select();
  }, [act]);
  const write = useCallback(() => {
    drawNow(() => {
      act({ type: "search", text: "" });
      setPane("talk");
    });
    document.getElementById("composer")?.focus();
  }, [act]);
  useKeys({ open, seek, write });

  const unread = unreadTotal(view);
  useEffect(() => {
    document.title = unread === 0 ? "Tertulia" : `(${unread}) Tertulia`;
    return () => void (document.title = "Tertulia");
  }, [unread]);
  const shown = useRef(view.open);
  shown.current = view.open;
  useEffect(() => {
    const popped = (): void => {
      const { pane: to, conv } = arrived(shown.current);
      if (to === "list" && isNarrow()) drawNow(() => setPane("list"));
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
      <Talk
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
