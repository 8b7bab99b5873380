/** The card of one user: name, status, a button to write to them, and what else one may do. */
import type { ComponentChildren } from "preact";
import type { Card, Conv } from "../view/model.js";
import { isModerator } from "../view/rights.js";
import { BlockButton } from "./blocking.js";
import { Fold } from "./fold.js";
import { Moderation } from "./moderation.js";
import { StatusDot } from "./status-dot.js";
import { Face } from "./icons.js";
import { useChat } from "./chat-session.js";
import { closeDialog, Dialog } from "./dialog.js";

interface Props {
  readonly card: Card;
  readonly onOpen: (conv: Conv) => void;
}

export function PersonCard({ card, onOpen }: Props): ComponentChildren {
  const { view, dispatch, t } = useChat();
  // presence is newer than the answer
  const status = view.people.get(card.user) ?? card.status;
  return (
    <Dialog labelledBy="card-name" onClose={() => dispatch({ type: "hide card" })}>
      <Face name={card.user} />
      <h2 id="card-name">
        <bdi>{card.user}</bdi>
      </h2>
      <p class="card-status" role="status">
        <StatusDot status={status} /> {t.status[status]}
      </p>
      <p class="hint">{t.statusHint[status]}</p>
      {status !== "unknown" && (
        <button
          class="primary"
          onClick={(event) => {
            closeDialog(event);
            onOpen(`@${card.user}`);
          }}
        >
          {t.write}
        </button>
      )}
      {card.user !== view.me && status !== "asking" && (
        <>
          {status !== "unknown" && <BlockButton user={card.user} />}
          {isModerator(view) && (
            <Fold title={t.moderate}>
              <Moderation user={card.user} />
            </Fold>
          )}
        </>
      )}
    </Dialog>
  );
}
