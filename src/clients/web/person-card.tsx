/** The card of one user: name, status, and a button to write to them. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Card, Conv } from "../view/model.js";
import { StatusDot } from "./status-dot.js";
import { Face, Icon } from "./icons.js";
import { useChat } from "./chat-session.js";

interface Props {
  readonly card: Card;
  readonly onOpen: (conv: Conv) => void;
}

export function PersonCard({ card, onOpen }: Props): ComponentChildren {
  const { view, dispatch, t } = useChat();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  // presence is newer than the answer
  const status = view.people.get(card.user) ?? card.status;
  return (
    <dialog
      ref={dialog}
      class="card"
      aria-labelledby="card-name"
      onClose={() => dispatch({ type: "hide card" })}
      onClick={(event) => {
        if (event.target === event.currentTarget) event.currentTarget.close();
      }}
    >
      <div class="card-body">
        <button
          class="quiet-button card-close"
          aria-label={t.close}
          onClick={() => dialog.current?.close()}
        >
          <Icon name="close" />
        </button>
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
            onClick={() => {
              dialog.current?.close();
              onOpen(`@${card.user}`);
            }}
          >
            {t.write}
          </button>
        )}
      </div>
    </dialog>
  );
}
