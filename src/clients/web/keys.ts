/** Keys that work everywhere: switch conversations, search, go back to writing. */
import { useEffect, useRef } from "preact/hooks";
import { conversationList } from "../view/lists.js";
import type { Conv } from "../view/model.js";
import type { Pane } from "./chat.js";
import { useSeat } from "./seat.js";

export function useKeys(open: (conv: Conv) => void, show: (pane: Pane) => void): void {
  const seat = useSeat();
  const latest = useRef(seat);
  latest.current = seat;
  useEffect(() => {
    const pressed = (event: KeyboardEvent): void => {
      const { view, act } = latest.current;
      if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
        event.preventDefault();
        const lines = conversationList(view);
        const at = lines.findIndex(({ isOpen }) => isOpen);
        const next = lines.at((at + (event.key === "ArrowUp" ? -1 : 1)) % lines.length);
        if (next) open(next.conv);
      } else if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
        event.preventDefault();
        show("list");
        requestAnimationFrame(() => document.getElementById("search")?.focus());
      } else if (event.key === "Escape" && view.card === undefined) {
        act({ type: "search", text: "" });
        show("talk");
        requestAnimationFrame(() => document.getElementById("composer")?.focus());
      }
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, [open, show]);
}

/** Up and down move among the buttons of a list, Home and End to its ends. */
export function moveInList(event: KeyboardEvent): void {
  if (event.altKey) return;
  const here = (event.target as Element).closest("li");
  const list = here?.parentElement;
  const to = {
    ArrowDown: here?.nextElementSibling,
    ArrowUp: here?.previousElementSibling,
    Home: list?.firstElementChild,
    End: list?.lastElementChild,
  }[event.key];
  const button = to?.querySelector("button");
  if (!button) return;
  event.preventDefault();
  button.focus();
}
