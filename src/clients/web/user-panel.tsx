/** The panel of this user: name, status, notifications, leaving. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { ownStatus } from "../view/do-not-disturb.js";
import { STATUSES } from "../view/lists.js";
import { Account } from "./account.js";
import { StatusDot } from "./status-dot.js";
import { Face, Icon } from "./icons.js";
import { notifying, switchNotifying } from "./notifications.js";
import { hasAccounts } from "./proof.js";
import { useChat } from "./chat-session.js";

export function UserPanel(): ComponentChildren {
  const { view, dispatch, leave, t } = useChat();
  const [notice, setNotice] = useState(notifying);
  const [card, setCard] = useState<"closed" | "open">("closed");
  const status = ownStatus(view);
  const notifyText =
    notice === "on" ? t.notifying : notice === "blocked" ? t.notifyBlocked : t.notify;
  return (
    <footer class="me">
      <div class="me-line">
        <button
          class="me-name"
          title={t.yourAccount}
          aria-haspopup="dialog"
          onClick={() => setCard("open")}
        >
          <Face name={view.me} />
          <bdi>{view.me}</bdi> <span class="unseen">{t.yourAccount}</span>
        </button>
        {notice !== "impossible" && (
          <button
            class="quiet-button"
            aria-label={notifyText}
            title={notifyText}
            aria-pressed={notice === "on"}
            disabled={notice === "blocked"}
            onClick={() => void switchNotifying().then(setNotice)}
          >
            <Icon name="bell" />
          </button>
        )}
        <button
          class="quiet-button"
          aria-label={hasAccounts ? t.logOut : t.leave}
          title={hasAccounts ? t.logOut : t.leave}
          onClick={leave}
        >
          <Icon name="leave" />
        </button>
      </div>
      {card === "open" && <Account onClose={() => setCard("closed")} />}
      <fieldset class="status">
        <legend class="unseen">{t.yourStatus}</legend>
        {STATUSES.map((each) => (
          <label key={each}>
            <input
              type="radio"
              name="status"
              value={each}
              checked={status === each}
              onChange={() => dispatch({ type: "choose status", status: each })}
            />
            <StatusDot status={each} />
            <span>{t.status[each]}</span>
          </label>
        ))}
      </fieldset>
    </footer>
  );
}
