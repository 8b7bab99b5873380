/** The page: a form to join, then the chat. */
import type { ComponentChildren } from "preact";
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { ViewStore } from "../view/view-store.js";
import { normalizeName } from "../sdk/normalize-name.js";
import { startOfDay } from "../view/days.js";
import type { View } from "../view/model.js";
import { forgetAddress } from "./routing.js";
import { Chat } from "./chat.js";
import { JoinForm } from "./join-form.js";
import {
  ActionsContext,
  ViewContext,
  storedSession,
  join,
  leave,
  type ChatActions,
} from "./chat-session.js";
import { hasAccounts, isWorthless, proofFor } from "./proof.js";
import type { Texts } from "./texts.js";
import { TodayContext } from "./times.js";

/** A one-second interval that takes longer means that the computer slept. */
const SLEPT_MS = 5_000;

export function App({ t }: { readonly t: Texts }): ComponentChildren {
  const store = useRef<ViewStore>(undefined);
  const attempts = useRef(0);
  const joining = useRef<Promise<ViewStore>>(undefined);
  const [view, setView] = useState<View>();
  /** The chat as soon as it was joined: from then on a lost connection leaves it on the screen. */
  const [screen, setScreen] = useState<"form" | "chat">("form");
  const [today, setToday] = useState(() => startOfDay(Date.now()));

  const enterChat = useCallback(
    async (name: string) => {
      if (joining.current !== undefined) return;
      if (proofFor(normalizeName(name)) === undefined) return setScreen("form");
      const attempt = ++attempts.current;
      const changed = (next: View): void => {
        if (attempt !== attempts.current) return; // of an earlier session
        if (next.connection.name === "open") setScreen("chat");
        if (next.connection.name === "away" || isWorthless(next.connection)) {
          forgetAddress();
          setScreen("form");
        }
        setView(next);
      };
      joining.current = join(name, t, changed, () => void enterChat(name));
      const joined = await joining.current;
      joining.current = undefined;
      store.current = joined;
      setView(joined.view);
    },
    [t],
  );

  useEffect(() => {
    const earlier = storedSession();
    if (earlier) void enterChat(earlier.name);
    let tickedMs = Date.now();
    const ticking = setInterval(() => {
      const nowMs = Date.now();
      // the computer slept: the connection may be dead without an event
      if (nowMs - tickedMs > SLEPT_MS) store.current?.chat.reconnectNow();
      tickedMs = nowMs;
      store.current?.dispatch({ type: "tick" });
      setToday(startOfDay(nowMs));
    }, 1_000);
    return () => clearInterval(ticking);
  }, [enterChat]);

  const actions = useMemo<ChatActions>(
    () => ({
      t,
      dispatch: (event) => store.current?.dispatch(event),
      reconnectNow: () => store.current?.chat.reconnectNow(),
      chat: () => store.current!.chat,
      leave: () => {
        if (hasAccounts) {
          // what is told while this browser is logged out concerns nobody
          attempts.current++;
          forgetAddress();
          setView(undefined);
          setScreen("form");
        }
        void leave(store.current!);
      },
    }),
    [t],
  );

  if (view === undefined || screen === "form")
    return <JoinForm t={t} view={view} onJoin={(name) => void enterChat(name)} />;
  return (
    <ActionsContext.Provider value={actions}>
      <TodayContext.Provider value={today}>
        <ViewContext.Provider value={view}>
          <Chat onJoinAgain={() => void enterChat(view.me)} />
        </ViewContext.Provider>
      </TodayContext.Provider>
    </ActionsContext.Provider>
  );
}
