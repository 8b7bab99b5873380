/** Beside the conversation: search, conversations, people, and oneself. */
import type { ComponentChildren } from "preact";
import { useMemo } from "preact/hooks";
import { conversationList, peopleList, type ConversationLine } from "../view/lists.js";
import type { Conv } from "../view/model.js";
import { Face, Icon, Mark } from "./icons.js";
import { moveInList } from "./keys.js";
import { Own } from "./own.js";
import { People } from "./people.js";
import { useSeat } from "./seat.js";
import { Dot } from "./dot.js";
import { ShortTime } from "./times.js";

interface Props {
  readonly onOpen: (conv: Conv) => void;
}

export function Sidebar({ onOpen }: Props): ComponentChildren {
  const { view, act, t } = useSeat();
  const { search, conversations, people, quiet, open, me } = view;
  const lines = useMemo(
    () => conversationList(view),
    [search, conversations, people, quiet, open, me],
  );
  const persons = useMemo(() => peopleList(view), [search, people, me]);
  const wanted = search.trim();
  const isKnown =
    wanted === me ||
    persons.some(({ name }) => name === wanted) ||
    lines.some(({ peer }) => peer === wanted);

  const openFirst = (event: Event): void => {
    event.preventDefault();
    // what stands there, not what was drawn last: keys are faster than frames
    const typed = document.querySelector<HTMLInputElement>("#search")!.value;
    const now = { ...view, search: typed };
    const name =
      conversationList(now).find(({ peer }) => peer !== undefined)?.peer ??
      peopleList(now)[0]?.name ??
      typed.trim();
    if (typed.trim() !== "") onOpen(`@${name}`);
  };

  return (
    <aside class="side" aria-label={t.conversations}>
      <header class="side-head">
        <h1 class="brand">
          <Mark />
          Tertulia
        </h1>
        <form class="search" role="search" onSubmit={openFirst}>
          <Icon name="search" />
          <input
            id="search"
            type="search"
            value={search}
            aria-label={t.search}
            placeholder={t.searchShort}
            autocomplete="off"
            spellcheck={false}
            onInput={(event) => act({ type: "search", text: event.currentTarget.value })}
            onKeyDown={(event) => {
              if (event.key !== "ArrowDown") return;
              event.preventDefault();
              document.querySelector<HTMLElement>(".side li button")?.focus();
            }}
          />
          <kbd aria-hidden="true">Ctrl K</kbd>
        </form>
      </header>
      <nav class="conversations" aria-label={t.conversations}>
        <ul onKeyDown={moveInList}>
          {lines.map((line) => (
            <Line key={line.conv} line={line} onOpen={onOpen} />
          ))}
          {wanted !== "" && !isKnown && (
            <li key="stranger" class="stranger">
              <button class="line" onClick={() => onOpen(`@${wanted}`)}>
                <Face name={wanted} />
                <span class="line-main">
                  <span class="line-name">{t.writeTo(wanted)}</span>
                </span>
              </button>
              <button
                class="quiet-button about"
                aria-label={t.askAbout(wanted)}
                title={t.askAbout(wanted)}
                onClick={() => act({ type: "show card", user: wanted })}
              >
                <Icon name="about" />
              </button>
            </li>
          )}
        </ul>
      </nav>
      <People persons={persons} onOpen={onOpen} />
      <Own />
    </aside>
  );
}

function Line({ line, onOpen }: Props & { readonly line: ConversationLine }): ComponentChildren {
  const { t, view } = useSeat();
  const { conv, peer, unread, last, ts, draft, isOpen, hasFailed, status } = line;
  return (
    <li>
      <button class="line" aria-current={isOpen ? "true" : undefined} onClick={() => onOpen(conv)}>
        {peer === undefined ? (
          <span class="face face-all" aria-hidden="true">
            <Mark />
          </span>
        ) : (
          <span class="face-with-dot">
            <Face name={peer} />
            <Dot status={status ?? "disconnected"} />
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
                {last.from === view.me ? `${t.youSaid}: ` : peer === undefined && `${last.from}: `}
                {last.text.slice(0, 120)}
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
