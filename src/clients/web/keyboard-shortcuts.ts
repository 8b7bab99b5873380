/** Keyboard shortcuts: switch conversations, search, back to the composer. */
import { useEffect, useRef } from "preact/hooks";
import { conversationList } from "../view/lists.js";
import type { Conv } from "../view/model.js";
import { useChat } from "./chat-session.js";

export interface ShortcutActions {
  readonly open: (conv: Conv) => void;
  /** Moves the focus to the search field. */
  readonly search: () => void;
  /** Moves the focus to the composer. */
  readonly write: () => void;
}

export function useKeyboardShortcuts(actions: ShortcutActions): void {
  const chat = useChat();
  const latest = useRef({ ...chat, ...actions });
  latest.current = { ...chat, ...actions };
  useEffect(() => {
    const pressed = (event: KeyboardEvent): void => {
      const { view, t, open, search, write } = latest.current;
      const step = Number(isKey(event, "ArrowDown")) - Number(isKey(event, "ArrowUp"));
      if (event.altKey && step !== 0) {
        event.preventDefault();
        const lines = conversationList(view, t.everybody);
        const at = lines.findIndex(({ isOpen }) => isOpen);
        const next = lines.at((at + step) % lines.length);
        if (next) open(next.conv);
      } else if (isSearchKey(event)) {
        event.preventDefault();
        search();
      } else if (event.key === "Escape" && document.querySelector("dialog[open]") === null) {
        write();
      }
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, []);
}

function isKey({ key, code }: KeyboardEvent, name: string): boolean {
  return key === name || code === name;
}

/** By letter; on keyboards with other than Latin letters, by position. */
function isSearchKey(event: KeyboardEvent): boolean {
  if (!(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return false;
  const key = event.key.toLowerCase();
  return key === "k" || (event.code === "KeyK" && !/^[a-z]$/.test(key));
}
