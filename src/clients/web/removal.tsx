/** Removing a message: a second question, in a dialog. */
import type { ComponentChildren } from "preact";
import type { Message } from "../sdk/events.js";
import { useChat } from "./chat-session.js";
import { closeDialog, Dialog } from "./dialog.js";
import { valueIn } from "./fold.js";
import { MessageText } from "./message-text.js";
import { Outcome, useRequest } from "./request.js";

interface Props {
  readonly message: Message;
  readonly onRemoved: () => void;
  readonly onClose: () => void;
}

export function Removal({ message, onRemoved, onClose }: Props): ComponentChildren {
  const { view, t, chat } = useChat();
  const { state, run } = useRequest();
  const { conv, seq, text, from } = message;
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const reason =
      from === view.me ? undefined : valueIn(event.target as HTMLFormElement, "reason");
    void run(async () => {
      await chat().remove(conv, seq, { reason });
      closeDialog(event);
      onRemoved();
    });
  };
  return (
    <Dialog labelledBy="removal" onClose={onClose}>
      <h2 id="removal">{t.removeThis}</h2>
      <blockquote class="quote">
        <MessageText text={text} from={from} />
      </blockquote>
      <p class="hint">{t.removeHint}</p>
      <form class="fields" onSubmit={submit}>
        {from !== view.me && (
          <label>
            <span>{t.reason}</span>
            <input
              name="reason"
              maxLength={200}
              autocomplete="off"
              placeholder={t.removeReasonHint}
            />
          </label>
        )}
        <Outcome state={state} />
        <button class="primary">{t.remove}</button>
      </form>
      <button class="text-button" onClick={closeDialog}>
        {t.cancel}
      </button>
    </Dialog>
  );
}
