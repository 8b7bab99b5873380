/** Removing a message: a second question, in a dialog. */
import type { ComponentChildren } from "preact";
import type { Message } from "../sdk/events.js";
import { useActions } from "./chat-session.js";
import { closeDialog, Dialog } from "./dialog.js";
import { MessageText } from "./message-text.js";
import { Outcome, useRequest } from "./request.js";

interface Props {
  readonly message: Message;
  readonly onRemoved: () => void;
  readonly onClose: () => void;
}

export function Removal({ message, onRemoved, onClose }: Props): ComponentChildren {
  const { t, chat } = useActions();
  const { state, run } = useRequest();
  const { conv, seq, text, from } = message;
  return (
    <Dialog labelledBy="removal" onClose={onClose}>
      <h2 id="removal">{t.removeThis}</h2>
      <blockquote class="quote">
        <MessageText text={text} from={from} />
      </blockquote>
      <p class="hint">{t.removeHint}</p>
      <Outcome state={state} />
      <button
        class="primary"
        onClick={(event) =>
          void run(async () => {
            await chat().remove(conv, seq);
            closeDialog(event);
            onRemoved();
          })
        }
      >
        {t.remove}
      </button>
      <button class="text-button" onClick={closeDialog}>
        {t.cancel}
      </button>
    </Dialog>
  );
}
