/** The sidebar: search, conversations, people, and the panel of this user. */
import type { ComponentChildren } from "preact";
import { useMemo, useRef } from "preact/hooks";
import { conversationList, peopleList, searchHit, type ConversationLine } from "../view/lists.js";
import { EVERYBODY, type Conv } from "../view/model.js";
import { searchedName } from "../view/search.js";
import { Face, Icon, Mark } from "./icons.js";
import { UserPanel } from "./user-panel.js";
import { People } from "./people.js";
import { useRoving } from "./roving.js";
import { useChat } from "./chat-session.js";
import { authorText } from "./texts.js";
import { StatusDot } from "./status-dot.js";
import { ShortTime } from "./times.js";

interface Props {
  readonly onOpen: (conv: Conv) => void;
}

export function Sidebar({ onOpen }: Props): ComponentChildren {
  const { view, dispatch, t } = useChat();
  const { search, conversations, people, doNotDisturb, open, me } = view;
  const lines = useMemo(
    () => conversationList(view, t.everybody),
    [search, conversations, people, doNotDisturb, open, me],
  );
  const persons = useMemo(() => peopleList(view), [search, people, me]);
  const hit = useMemo(() => searchHit(view, t.everybody), [search, lines, persons]);
  const sought = searchedName(view);
  const isKnown =
    persons.some(({ name }) => name === sought) || lines.some(({ peer }) => peer === sought);
  const isStranger = sought !== "" && !isKnown;

  const box = useRef<HTMLElement>(null);
  const ids = lines.map(({ conv }) => conv).concat(isStranger ? `@${sought}` : []);
  const nameOf = (conv: Conv): string => (conv === EVERYBODY ? t.everybody : conv.slice(1));
  const { at, ...moving } = useRoving({ ids, nameOf, box });
  /** The row that the Tab key reaches: the last focused one, or the open conversation. */
  const stop = [at, open].find((conv) => ids.includes(conv ?? "")) ?? ids[0];

  const openHit = (event: Event): void => {
    event.preventDefault();
    // read from the field, not from the last render: keys are faster than frames
    const { value } = document.querySelector<HTMLInputElement>("#search")!;
    const now = searchHit({ ...view, search: value }, t.everybody);
    if (now !== undefined) onOpen(now);
  };

  return (
    <aside class="side" aria-label={t.conversations}>
      <header class="side-head">
        <h1 class="brand">
          <Mark />
          Tertulia
        </h1>
        <form class="search" role="search" onSubmit={openHit}>
          <Icon name="search" />
          <input
            id="search"
            type="search"
            value={search}
            aria-label={t.search}
            placeholder={t.searchShort}
            autocomplete="off"
            spellcheck={false}
            onInput={(event) => dispatch({ type: "search", text: event.currentTarget.value })}
            onKeyDown={(event) => {
              if (event.key !== "ArrowDown") return;
              event.preventDefault();
              const rows = [...document.querySelectorAll<HTMLElement>(".side [data-row]")];
              (rows.find((row) => row.dataset["hit"] === "true") ?? rows[0])?.focus();
            }}
          />
          <kbd aria-hidden="true">Ctrl K</kbd>
          <span class="unseen" role="status">
            {hit !== undefined && t.enterOpens(nameOf(hit))}
          </span>
        </form>
      </header>
      <nav class="conversations" aria-label={t.conversations} ref={box} {...moving}>
        <ul>
          {lines.map((line) => (
            <Line
              key={line.conv}
              line={line}
              isHit={line.conv === hit}
              isStop={line.conv === stop}
              onOpen={onOpen}
            />
          ))}
          {isStranger && (
            <li key="stranger" class="stranger">
              <button
                class="line"
                data-row={`@${sought}`}
                data-hit={`@${sought}` === hit}
                tabIndex={`@${sought}` === stop ? 0 : -1}
                onClick={() => onOpen(`@${sought}`)}
              >
                <Face name={sought} />
                <span class="line-main">
                  <span class="line-name">{t.writeTo(sought)}</span>
                </span>
              </button>
              <button
                class="quiet-button about"
                tabIndex={-1}
                aria-label={t.askAbout(sought)}
                title={t.askAbout(sought)}
                onClick={() => dispatch({ type: "show card", user: sought })}
              >
                <Icon name="about" />
              </button>
            </li>
          )}
        </ul>
      </nav>
      <People
        persons={persons}
        hit={lines.some(({ conv }) => conv === hit) ? undefined : hit}
        onOpen={onOpen}
      />
      <UserPanel />
    </aside>
  );
}

interface LineProps extends Props {
  readonly line: ConversationLine;
  readonly isHit: boolean;
  readonly isStop: boolean;
}

function Line({ line, isHit, isStop, onOpen }: LineProps): ComponentChildren {
  const { t, view } = useChat();
  const { conv, peer, unread, last, ts, draft, isOpen, hasFailed, status } = line;
  return (
    <li>
      <button
        class="line"
        data-row={conv}
        data-hit={isHit}
        tabIndex={isStop ? 0 : -1}
        aria-current={isOpen ? "true" : undefined}
        onClick={() => onOpen(conv)}
      >
        {peer === undefined ? (
          <span class="face face-all" aria-hidden="true">
            <Mark />
          </span>
        ) : (
          <span class="face-with-dot">
            <Face name={peer} />
            <StatusDot status={status ?? "disconnected"} />
          </span>
        )}
        <span class="line-main">
          <span class="line-name">
            <bdi>{peer ?? t.everybody}</bdi>
          </span>
          <span class="line-last">
            {hasFailed ? (
              <em class="bad">{t.failed}</em>
            ) : draft !== "" && !isOpen ? (
              <>
                <em>{t.draft}:</em> <bdi>{draft}</bdi>
              </>
            ) : last === undefined ? (
              peer === undefined && t.everybodyHint
            ) : (
              <bdi>
                {last.from === view.me
                  ? `${t.youSaid}: `
                  : peer === undefined && `${authorText(t, last.from)}: `}
                {last.removed === true ? t.removed : last.text.slice(0, 120)}
              </bdi>
            )}
          </span>
        </span>
        <span class="line-end">
          {ts > 0 && <ShortTime ts={ts} />}
          {unread > 0 && (
            <span class="badge">
              <span aria-hidden="true">{unread > 99 ? "99+" : unread}</span>
              <span class="unseen">{t.unread(unread)}</span>
            </span>
          )}
        </span>
      </button>
    </li>
  );
}
