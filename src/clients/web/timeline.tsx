/**
 * What was said, scrolled. Lines are drawn in chunks, and only the chunks near the screen are in the
 * page; what is read stays where it is, whatever is added above or below it.
 */
import type { ComponentChildren } from "preact";
import { useCallback, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { standing } from "../view/parts.js";
import { unreadCount } from "../view/conversation.js";
import { quietFrom } from "../view/quiet.js";
import { rows as rowsOf } from "../view/rows.js";
import { Chunk } from "./chunk.js";
import { around, chunksOf, heightOf, type Heights, type Place } from "./chunks.js";
import { Icon } from "./icons.js";
import { useSeat } from "./seat.js";

interface Props {
  readonly peer: string | undefined;
  readonly onEnd: (isAtEnd: boolean) => void;
}

const END_PX = 48;
/** History is asked for before its end comes into sight. */
const AHEAD_PX = 600;

export function Timeline({ peer, onEnd }: Props): ComponentChildren {
  const { view, act, t } = useSeat();
  const box = useRef<HTMLDivElement>(null);
  const heights = useRef<Heights>(new Map());
  /** The line that stays where it is. */
  const anchor = useRef<Anchor>(undefined);
  const isStuck = useRef(true);
  const asked = useRef<number>(undefined);
  const [place, setPlace] = useState<Place>({ chunk: undefined, below: 0, height: 800 });
  const [isAtEnd, setAtEnd] = useState(true);

  const conversation = standing(view, view.open);
  const rows = useMemo(() => rowsOf(view), [conversation, view.quiet, view.open]);
  const chunks = useMemo(() => chunksOf(rows), [rows]);
  const drawn = around(chunks, heights.current, place, isStuck.current);

  /** Asks for what is missing near the screen; for each hole once, then by its button. */
  const fill = useCallback(() => {
    const { top, bottom } = box.current!.getBoundingClientRect();
    for (const gap of box.current!.querySelectorAll<HTMLElement>("[data-before]")) {
      const place = gap.getBoundingClientRect();
      const before = Number(gap.dataset["before"]);
      if (place.bottom < top - AHEAD_PX || place.top > bottom || asked.current === before) continue;
      asked.current = before;
      act({ type: "older", conv: view.open, before });
    }
  }, [act, view.open]);

  const scrolled = (): void => {
    const { scrollTop, scrollHeight, clientHeight } = box.current!;
    isStuck.current = scrollHeight - scrollTop - clientHeight < END_PX;
    anchor.current = anchorIn(box.current!);
    setPlace(placeOf(box.current!, anchor.current?.line));
    if (isStuck.current !== isAtEnd) {
      setAtEnd(isStuck.current);
      onEnd(isStuck.current);
    }
    fill();
  };

  useLayoutEffect(() => {
    const area = box.current!;
    for (const chunk of area.querySelectorAll<HTMLElement>("[data-chunk]")) {
      heights.current.set(chunk.dataset["chunk"]!, chunk.offsetHeight);
    }
    if (isStuck.current) area.scrollTop = area.scrollHeight;
    else keep(area, anchor.current);
    fill();
  });

  useLayoutEffect(() => {
    const resized = new ResizeObserver(() => {
      if (box.current!.clientWidth !== width) {
        heights.current.clear();
        width = box.current!.clientWidth;
      }
      if (isStuck.current) box.current!.scrollTop = box.current!.scrollHeight;
      else keep(box.current!, anchor.current);
      anchor.current = anchorIn(box.current!);
      setPlace(placeOf(box.current!, anchor.current?.line));
    });
    let width = box.current!.clientWidth;
    resized.observe(box.current!);
    onEnd(true);
    return () => resized.disconnect();
  }, [onEnd]);

  const toEnd = (): void => {
    isStuck.current = true;
    box.current!.scrollTop = box.current!.scrollHeight;
    scrolled();
  };

  const last = conversation.outgoing.at(-1)?.mid;
  useLayoutEffect(() => {
    if (last !== undefined) toEnd(); // one's own message is where one looks
  }, [last]);

  const isEmpty = rows.length === 0;
  const unread = unreadCount(conversation, view.me, quietFrom(view, view.open));
  return (
    <div class="timeline-frame">
      {/* it can be scrolled by keyboard */}
      <div
        class="timeline"
        ref={box}
        onScroll={scrolled}
        tabIndex={0}
        role="region"
        aria-label={t.messageTo(peer)}
        aria-busy={conversation.loading !== undefined}
      >
        <div class="said-so-far">
          {conversation.loading !== undefined && <p class="loading">{t.loading}</p>}
          {isEmpty && conversation.isLoaded && (
            <div class="empty">
              <p class="empty-title">{t.beginning}</p>
              <p>{peer === undefined ? t.emptyAll : t.emptyPrivate(peer)}</p>
            </div>
          )}
          {chunks.map(({ id, rows: lines }) =>
            drawn.has(id) ? (
              <Chunk key={id} id={id} rows={lines} conv={view.open} />
            ) : (
              <div key={id} style={{ height: `${heightOf(heights.current, id)}px` }} />
            ),
          )}
        </div>
      </div>
      {!isAtEnd && (
        <button class="to-end" onClick={toEnd}>
          <Icon name="down" />
          {t.toEnd(unread)}
        </button>
      )}
    </div>
  );
}

interface Anchor {
  readonly key: string;
  readonly line: HTMLElement;
  /** How far below the top of the screen. */
  readonly top: number;
}

function placeOf(area: HTMLElement, line: HTMLElement | undefined): Place {
  const chunk = line?.closest<HTMLElement>("[data-chunk]");
  const height = area.clientHeight;
  if (!chunk) return { chunk: undefined, below: area.scrollTop, height };
  const below = area.getBoundingClientRect().top - chunk.getBoundingClientRect().top;
  return { chunk: chunk.dataset["chunk"], below, height };
}

/** The first line that is in sight. */
function anchorIn(area: HTMLElement): Anchor | undefined {
  const { top } = area.getBoundingClientRect();
  for (const line of area.querySelectorAll<HTMLElement>("li.message")) {
    const place = line.getBoundingClientRect();
    if (place.bottom > top) return { key: line.dataset["key"]!, line, top: place.top - top };
  }
  return undefined;
}

function keep(area: HTMLElement, anchor: Anchor | undefined): void {
  if (anchor === undefined) return;
  const line = area.querySelector<HTMLElement>(`[data-key="${CSS.escape(anchor.key)}"]`);
  if (line === null) return;
  const top = line.getBoundingClientRect().top - area.getBoundingClientRect().top;
  if (Math.abs(top - anchor.top) > 0.5) area.scrollTop += top - anchor.top;
}
