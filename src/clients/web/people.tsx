/** The list of connected users, virtualized: only the rows on the screen are in the page. */
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Person } from "../view/lists.js";
import type { Conv } from "../view/model.js";
import { StatusDot } from "./status-dot.js";
import { renderNow } from "./render.js";
import { Face, Icon } from "./icons.js";
import { useRoving } from "./roving.js";
import { remPx } from "./screen.js";
import { useChat } from "./chat-session.js";

/** As in the style sheet. */
const ROW_REM = 2.75;
const BEYOND = 8;

interface Props {
  readonly persons: readonly Person[];
  /** The conversation that Enter in the search opens. */
  readonly hit: Conv | undefined;
  readonly onOpen: (conv: Conv) => void;
}

export function People({ persons, hit, onOpen }: Props): ComponentChildren {
  const { view, dispatch, t } = useChat();
  const box = useRef<HTMLDivElement>(null);
  const [{ first, last }, setRange] = useState({ first: 0, last: 40 });
  const rowPx = ROW_REM * remPx();
  const measure = (): void => {
    const { scrollTop, clientHeight } = box.current!;
    const from = Math.max(0, Math.floor(scrollTop / rowPx) - BEYOND);
    const to = Math.ceil((scrollTop + clientHeight) / rowPx) + BEYOND;
    setRange((had) => (had.first === from && had.last === to ? had : { first: from, last: to }));
  };
  useLayoutEffect(() => {
    measure();
    const watching = new ResizeObserver(measure);
    watching.observe(box.current!);
    return () => watching.disconnect();
  }, [persons.length]);

  const ids = useMemo(() => persons.map(({ name }) => name), [persons]);
  const { at, ...moving } = useRoving({
    ids,
    nameOf: (name) => name,
    box,
    reveal: (index) =>
      renderNow(() =>
        setRange({ first: Math.max(0, index - 2 * BEYOND), last: index + 2 * BEYOND }),
      ),
  });
  const shown = persons.slice(first, last);
  /** The row that the Tab key reaches: the last focused one, or the first in sight. */
  const stop = shown.some(({ name }) => name === at) ? at : shown[first > 0 ? BEYOND : 0]?.name;
  return (
    <section class="people" aria-labelledby="people-title">
      <h2 id="people-title">{t.people(view.count)}</h2>
      <div class="people-box" ref={box} onScroll={measure} tabIndex={-1} {...moving}>
        {!view.isFull && <p class="hint">{t.onlyWatched}</p>}
        {persons.length === 0 && (
          <p class="hint">{view.search.trim() === "" ? t.nobodyElse : t.nobodyFound}</p>
        )}
        <ul
          style={{
            paddingTop: `${Math.min(first, persons.length) * rowPx}px`,
            paddingBottom: `${Math.max(0, persons.length - last) * rowPx}px`,
          }}
        >
          {shown.map(({ name, status }, index) => (
            <li key={name} aria-setsize={persons.length} aria-posinset={first + index + 1}>
              <button
                class="line person"
                data-row={name}
                tabIndex={name === stop ? 0 : -1}
                data-hit={`@${name}` === hit}
                onClick={() => onOpen(`@${name}`)}
              >
                <span class="face-with-dot">
                  <Face name={name} />
                  <StatusDot status={status} />
                </span>
                <span class="line-main">
                  <span class="line-name">
                    <bdi>{name}</bdi>
                  </span>
                </span>
                <span class={status === "active" ? "unseen" : "line-status"}>
                  {t.status[status]}
                </span>
              </button>
              <button
                class="quiet-button about"
                tabIndex={-1}
                aria-label={t.about(name)}
                title={t.about(name)}
                onClick={() => dispatch({ type: "show card", user: name })}
              >
                <Icon name="about" />
              </button>
            </li>
          ))}
        </ul>
      </div>
    </section>
  );
}
