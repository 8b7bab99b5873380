/**
 * Roving tabindex (ARIA Authoring Practices): a list is one stop of the Tab key. Arrows, Home, End, Page keys
 * and the first letters of a name move within it, and from its ends to the next list; the right arrow moves
 * to the second button of a row.
 */
import type { RefObject } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { matchRank } from "../view/search.js";
import { renderNow } from "./render.js";

/** Letters typed faster than this are one prefix. */
const TYPED_WITHIN_MS = 700;
const PAGE = 10;

interface Rows {
  /** Of all rows in order, though not all may be in the page: what `data-row` of each says. */
  readonly ids: readonly string[];
  readonly nameOf: (id: string) => string;
  readonly box: RefObject<HTMLElement | null>;
  /** Puts one into the page. */
  readonly reveal?: (index: number) => void;
}

interface Roving {
  /** Where one was last in this list. */
  readonly at: string | undefined;
  readonly onKeyDown: (event: KeyboardEvent) => void;
  readonly onFocusIn: (event: FocusEvent) => void;
}

export function useRoving({ ids, nameOf, box, reveal }: Rows): Roving {
  const [at, setAt] = useState<string>();
  const typed = useRef({ text: "", ms: 0 });
  const before = useRef(ids);

  // a row that is removed or moved loses the focus
  const held = idOf(box.current, document.activeElement);
  useLayoutEffect(() => {
    const index = Math.min(before.current.indexOf(held ?? ""), ids.length - 1);
    before.current = ids;
    if (held === undefined || document.activeElement !== document.body) return;
    const heir = ids.includes(held) ? held : ids[index];
    (rowOf(box.current, heir) ?? box.current)?.focus({ preventScroll: true });
  });

  const goTo = (wanted: number): void => {
    const index = Math.max(0, Math.min(wanted, ids.length - 1));
    if (rowOf(box.current, ids[index]) === null) reveal?.(index);
    rowOf(box.current, ids[index])?.focus();
  };

  /** The next row, from there on and around, whose name begins with `text`. */
  const beginning = (text: string, from: number): number | undefined => {
    for (let step = 0; step < ids.length; step++) {
      const index = (from + step) % ids.length;
      if (matchRank(nameOf(ids[index]!), text) < 3) return index;
    }
    return undefined;
  };

  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const here = ids.indexOf(idOf(box.current, event.target as Element) ?? at ?? "");
    const row = rowOf(box.current, ids[here]);
    const index = { Home: 0, End: ids.length - 1, PageDown: here + PAGE, PageUp: here - PAGE };
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key in index) goTo(index[event.key as keyof typeof index]);
    else if (step !== undefined) {
      if (ids[here + step] === undefined) focusOutside(row, step);
      else goTo(here + step);
    } else if (event.key === "ArrowRight") secondaryButton(row)?.focus();
    else if (event.key === "ArrowLeft") row?.focus();
    else if (!isLetter(event.key)) return;
    else {
      const isOn = event.timeStamp - typed.current.ms < TYPED_WITHIN_MS;
      const text = isOn ? typed.current.text + event.key : event.key;
      const found = beginning(text, text === event.key ? here + 1 : here);
      if (found === undefined && event.key === " ") return; // presses the button
      typed.current = { text, ms: event.timeStamp };
      // the same letter again leads to the next name that begins with it
      const index = found ?? beginning((typed.current.text = event.key), here + 1);
      if (index !== undefined) goTo(index);
    }
    event.preventDefault();
  };

  return {
    at,
    onKeyDown,
    onFocusIn: ({ target }) => {
      const id = idOf(box.current, target as Element);
      // at once: the next key may be Tab
      if (id !== undefined) renderNow(() => setAt(id));
    },
  };
}

/** To the row above or below the list, or to where one searches. */
function focusOutside(row: HTMLElement | null, step: number): void {
  const rows = [...document.querySelectorAll<HTMLElement>("#search, .side [data-row]")];
  if (row !== null) rows[rows.indexOf(row) + step]?.focus();
}

function isLetter(key: string): boolean {
  return Array.from(key).length === 1;
}

function secondaryButton(row: Element | null): HTMLElement | null | undefined {
  return row?.closest("li")?.querySelector<HTMLElement>(".about");
}

function rowOf(box: HTMLElement | null, id: string | undefined): HTMLElement | null {
  if (box === null || id === undefined) return null;
  return box.querySelector<HTMLElement>(`[data-row="${CSS.escape(id)}"]`);
}

/** Of the row in which something is. */
function idOf(box: HTMLElement | null, element: Element | null): string | undefined {
  if (box?.contains(element) !== true) return undefined;
  return element!.closest("li")?.querySelector<HTMLElement>("[data-row]")?.dataset["row"];
}
