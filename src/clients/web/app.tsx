/** The page: a form to join, then the chat. */
import type { ComponentChildren } from "preact";
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { ViewStore } from "../view/view-store.js";
import { startOfDay } from "../view/days.js";
import type { View } from "../view/model.js";
import { forgetAddress } from "./address.js";
import { Chat } from "./chat.js";
import { JoinForm } from "./join-form.js";
import { RoomContext, ViewContext, earlierSeat, join, type Room } from "./seat.js";
import type { Texts } from "./texts.js";
import { TodayContext } from "./times.js";

/** Longer than a busy browser lets a second last. */
const SLEPT_MS = 5_000;

export function App({ t }: { readonly t: Texts }): ComponentChildren {
  const desk = useRef<ViewStore>(undefined);
  const turns = useRef(0);
  const isEntering = useRef(false);
  const [view, setView] = useState<View>();
  /** Been in: from then on a lost connection leaves the chat on the screen. */
  const [isIn, setIsIn] = useState(false);
  const [today, setToday] = useState(() => startOfDay(Date.now()));

  const enter = useCallback(
    async (name: string) => {
      if (isEntering.current) return;
      isEntering.current = true;
      const turn = ++turns.current;
      const changed = (next: View): void => {
        if (turn !== turns.current) return; // of the seat before this one
        if (next.connection.name === "open") setIsIn(true);
        if (next.connection.name === "away") {
          forgetAddress();
          setIsIn(false);
        }
        setView(next);
      };
      const own = await join(name, t, changed, () => void enter(name));
      isEntering.current = false;
      desk.current = own;
      setView(own.view);
    },
    [t],
  );

  useEffect(() => {
    const earlier = earlierSeat();
    if (earlier) void enter(earlier.name);
    let tickedMs = Date.now();
    const ticking = setInterval(() => {
      const nowMs = Date.now();
      // a computer that slept: its connection may be dead, and no event tells so
      if (nowMs - tickedMs > SLEPT_MS) desk.current?.chat.reconnectNow();
      tickedMs = nowMs;
      desk.current?.do({ type: "tick" });
      setToday(startOfDay(nowMs));
    }, 1_000);
    return () => clearInterval(ticking);
  }, [enter]);

  const room = useMemo<Room>(
    () => ({
      t,
      act: (event) => desk.current?.do(event),
      reconnectNow: () => desk.current?.chat.reconnectNow(),
    }),
    [t],
  );

  if (view === undefined || !isIn)
    return <JoinForm t={t} view={view} onJoin={(name) => void enter(name)} />;
  return (
    <RoomContext.Provider value={room}>
      <TodayContext.Provider value={today}>
        <ViewContext.Provider value={view}>
          <Chat onJoinAgain={() => void enter(view.me)} />
        </ViewContext.Provider>
      </TodayContext.Provider>
    </RoomContext.Provider>
  );
}
