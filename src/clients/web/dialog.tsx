/** A modal dialog: closed by Escape, by its button or by a click beside it; then the focus is where it was before. */
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { useActions } from "./chat-session.js";
import { Icon } from "./icons.js";

interface Props {
  /** The id of its heading. */
  readonly labelledBy: string;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}

export function Dialog({ labelledBy, onClose, children }: Props): ComponentChildren {
  const { t } = useActions();
  const dialog = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => dialog.current!.showModal(), []); // before the next key
  return (
    <dialog
      ref={dialog}
      class="card"
      aria-labelledby={labelledBy}
      onClose={onClose}
      onClick={(event) => {
        if (event.target === event.currentTarget) event.currentTarget.close();
      }}
    >
      <div class="card-body">
        <button class="quiet-button card-close" aria-label={t.close} onClick={closeDialog}>
          <Icon name="close" />
        </button>
        {children}
      </div>
    </dialog>
  );
}

/** Closes the dialog in which something happened. */
export function closeDialog({ target }: Event): void {
  (target as Element).closest("dialog")?.close();
}
