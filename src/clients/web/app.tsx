/** The page: a form to join, then the chat. */
import type { ComponentChildren } from "preact";
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Desk } from "../view/desk.js";
import { startOfDay } from "../view/days.js";
import type { View } from "../view/model.js";
import { forgetAddress } from "./address.js";
import { Chat } from "./chat.js";
import { JoinForm } from "./join-form.js";
import { RoomContext, ViewContext, earlierSeat, giveUpSeat, join, type Room } from "./seat.js";
import type { Texts } from "./texts.js";
import { TodayContext } from "./times.js";

/** Longer than a busy browser lets a second last. */
const SLEPT_MS = 5_000;

export function App({ t }: { readonly t: Texts }): ComponentChildren {
  const desk = useRef<Desk>(undefined);
  const [view, setView] = useState<View>();
  /** Been in: from then on a lost connection leaves the chat on the screen. */
  const [isIn, setIsIn] = useState(false);
  const [today, setToday] = useState(() => startOfDay(Date.now()));

  const enter = useCallback(
    (name: string) => {
      const own = join(name, t, (next) => {
        if (desk.current !== own && desk.current !== undefined) return;
        if (next.connection.name === "open") setIsIn(true);
        if (next.connection.name === "away") {
          giveUpSeat();
          forgetAddress();
          setIsIn(false);
        }
        setView(next);
      });
      desk.current = own;
      setView(own.view);
    },
    [t],
  );

  useEffect(() => {
    const earlier = earlierSeat();
    if (earlier) enter(earlier.name);
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

  if (view === undefined || !isIn) return <JoinForm t={t} view={view} onJoin={enter} />;
  return (
    <RoomContext.Provider value={room}>
      <TodayContext.Provider value={today}>
        <ViewContext.Provider value={view}>
          <Chat
            onJoinAgain={() => {
              desk.current = undefined;
              enter(view.me);
            }}
          />
        </ViewContext.Provider>
      </TodayContext.Provider>
    </RoomContext.Provider>
  );
}
