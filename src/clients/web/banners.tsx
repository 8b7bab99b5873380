/** Banners above the messages: the connection's state, what is held back, problems. */
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { secondsToRetry } from "../view/lists.js";
import { heldCount } from "../view/do-not-disturb.js";
import { Icon } from "./icons.js";
import { useChat } from "./chat-session.js";
import { problemText } from "./texts.js";

/** Shorter interruptions are not shown. */
const NOTABLE_AFTER_MS = 400;
/** How often the seconds to the next attempt are shown anew. */
const TICK_MS = 250;

export function Banners({ onJoinAgain }: { readonly onJoinAgain: () => void }): ComponentChildren {
  const { view, dispatch, t } = useChat();
  return (
    <div class="banners">
      <ConnectionBanner onJoinAgain={onJoinAgain} />
      {view.doNotDisturb !== undefined && (
        <div class="banner" role="status">
          <span>{t.held(heldCount(view))}</span>
          <button
            class="text-button"
            onClick={() => dispatch({ type: "choose status", status: "active" })}
          >
            {t.beActive}
          </button>
        </div>
      )}
      {view.problem !== undefined && (
        <div class="banner banner-bad" role="alert">
          <span>{problemText(t, view.problem)}</span>
          <button
            class="quiet-button"
            aria-label={t.dismiss}
            onClick={() => dispatch({ type: "dismiss" })}
          >
            <Icon name="close" />
          </button>
        </div>
      )}
    </div>
  );
}

function ConnectionBanner({
  onJoinAgain,
}: {
  readonly onJoinAgain: () => void;
}): ComponentChildren {
  const { view, t, reconnectNow } = useChat();
  const { connection } = view;
  const isTroubled = connection.name === "waiting" || connection.name === "connecting";
  const nowMs = useClock(isTroubled);
  const isNotable = useLasting(isTroubled, NOTABLE_AFTER_MS);
  if (connection.name === "closed") {
    return (
      <div class="banner banner-bad" role="alert">
        <span>{problemText(t, connection.problem, connection.why)}</span>
        <button class="text-button" onClick={onJoinAgain}>
          {t.goOn}
        </button>
      </div>
    );
  }
  if (!isTroubled || !isNotable) return undefined;
  const seconds = secondsToRetry(view, nowMs);
  return (
    <div class="banner banner-bad">
      {/* announced once: a countdown that is read out each second would drown the rest */}
      <span class="unseen" role="status">
        {t.reconnecting}
      </span>
      <span aria-hidden="true" class="countdown">
        {seconds === undefined ? t.reconnecting : t.lost(seconds)}
      </span>
      {seconds !== undefined && (
        <button class="text-button" onClick={reconnectNow}>
          {t.again}
        </button>
      )}
    </div>
  );
}

function useClock(isRunning: boolean): number {
  const [nowMs, setNow] = useState(() => performance.now());
  useEffect(() => {
    if (!isRunning) return undefined;
    setNow(performance.now());
    const ticking = setInterval(() => setNow(performance.now()), TICK_MS);
    return () => clearInterval(ticking);
  }, [isRunning]);
  return nowMs;
}

/** Whether `isSo` has been true for that long. */
function useLasting(isSo: boolean, forMs: number): boolean {
  const [lasts, setLasts] = useState(false);
  useEffect(() => {
    if (!isSo) {
      setLasts(false);
      return undefined;
    }
    const timer = setTimeout(() => setLasts(true), forMs);
    return () => clearTimeout(timer);
  }, [isSo, forMs]);
  return isSo && lasts;
}
