/** Keys that work everywhere: switch conversations, search, go back to writing. */
import { useEffect, useRef } from "preact/hooks";
import { conversationList } from "../view/lists.js";
import type { Conv } from "../view/model.js";
import { useChat } from "./chat-session.js";

export interface ShortcutActions {
  readonly open: (conv: Conv) => void;
  /** To where one searches. */
  readonly search: () => void;
  /** To where one writes. */
  readonly write: () => void;
}

export function useKeyboardShortcuts(ways: ShortcutActions): void {
  const seat = useChat();
  const latest = useRef({ ...seat, ...ways });
  latest.current = { ...seat, ...ways };
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
      } else if (event.key === "Escape" && view.card === undefined) {
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

/** By its letter; where there are other letters than Latin ones, by its place. */
function isSearchKey(event: KeyboardEvent): boolean {
  if (!(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return false;
  const key = event.key.toLowerCase();
  return key === "k" || (event.code === "KeyK" && !/^[a-z]$/.test(key));
}
