/** One row of the timeline; rendered again only when it has changed. */
import { Component, type ComponentChildren } from "preact";
import type { Message } from "../sdk/events.js";
import type { Conv } from "../view/model.js";
import type { Row } from "../view/timeline.js";
import { Gap } from "./gap.js";
import { Icon } from "./icons.js";
import { MessageText } from "./message-text.js";
import { useActions } from "./chat-session.js";
import { authorText, problemText } from "./texts.js";
import { clock, Day, longTime } from "./times.js";

interface Props {
  readonly row: Row;
  readonly conv: Conv;
  readonly me: string;
  /** How this message may be removed; `stop`: its button is the one that the Tab key reaches. */
  readonly removable: "no" | "yes" | "stop";
  readonly onRemove: (message: Message) => void;
}

export class TimelineRow extends Component<Props> {
  override shouldComponentUpdate({ row, removable }: Props): boolean {
    return removable !== this.props.removable || !isSame(row, this.props.row);
  }

  override render(props: Props): ComponentChildren {
    return <RowContent {...props} />;
  }
}

function isSame(one: Row, other: Row): boolean {
  if (one.key !== other.key) return false;
  if (one.type === "message") {
    return other.type === "message" && one.message === other.message && one.isRun === other.isRun;
  }
  if (one.type === "outgoing") return other.type === "outgoing" && one.outgoing === other.outgoing;
  if (one.type === "gap") {
    return other.type === "gap" && one.after === other.after && one.isGone === other.isGone;
  }
  return one.type === other.type;
}

function RowContent({ row, conv, me, removable, onRemove }: Props): ComponentChildren {
  const { t, dispatch } = useActions();
  switch (row.type) {
    case "day":
      return (
        <li class="divider" data-key={row.key}>
          <span>
            <Day ts={row.ts} />
          </span>
        </li>
      );
    case "new":
      return (
        <li class="divider divider-new" data-key={row.key}>
          <span>{t.newLine}</span>
        </li>
      );
    case "gap":
      return <Gap gap={row} conv={conv} />;
    case "message": {
      const { from, text, ts, removed } = row.message;
      return (
        <li class={classOf(row.isOwn, row.isRun)} data-key={row.key}>
          <div class="bubble">
            <span class="unseen">{row.isOwn ? t.youSaid : authorText(t, from)}:</span>
            {removed === true ? (
              <span class="said removed">{t.removed}</span>
            ) : (
              <MessageText text={text} from={authorText(t, from)} />
            )}
          </div>
          <time dateTime={new Date(ts).toISOString()} title={longTime(ts, t)}>
            {clock(ts, t)}
            {row.isOwn && <Tick state="sent" />}
          </time>
          {removable !== "no" && (
            <button
              class="quiet-button remove"
              aria-label={t.remove}
              title={t.remove}
              aria-haspopup="dialog"
              tabIndex={removable === "stop" ? 0 : -1}
              onClick={() => onRemove(row.message)}
              onKeyDown={toNeighbour}
            >
              <Icon name="more" />
            </button>
          )}
        </li>
      );
    }
    case "outgoing": {
      const { text, state, mid, problem } = row.outgoing;
      return (
        <li class={`${classOf(true, false)} ${state}`} data-key={row.key}>
          <div class="bubble">
            <span class="unseen">{t.youSaid}:</span>
            <MessageText text={text} from={me} />
          </div>
          {state === "failed" ? (
            <div class="failure" role="alert">
              <span>
                {t.failed}. {problem && problemText(t, problem)}
              </span>
              <button class="text-button" onClick={() => dispatch({ type: "retry", conv, mid })}>
                {t.retry}
              </button>
              <button class="text-button" onClick={() => dispatch({ type: "discard", conv, mid })}>
                {t.discard}
              </button>
            </div>
          ) : (
            <span class="when">
              <Tick state={state} />
            </span>
          )}
        </li>
      );
    }
    default:
      return row satisfies never;
  }
}

/** All of these buttons are one stop of the Tab key: arrows lead from one to the next. */
function toNeighbour(event: KeyboardEvent): void {
  const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (step === undefined) return;
  event.preventDefault();
  const here = event.currentTarget as HTMLElement;
  const all = [...here.closest(".timeline")!.querySelectorAll<HTMLElement>(".remove")];
  all[all.indexOf(here) + step]?.focus();
}

function Tick({ state }: { readonly state: "pending" | "sent" }): ComponentChildren {
  const { t } = useActions();
  return (
    <span class="tick" title={t[state]}>
      <Icon name={state === "sent" ? "check" : "clock"} />
      <span class="unseen">{t[state]}</span>
    </span>
  );
}

function classOf(isOwn: boolean, isRun: boolean): string {
  return `message ${isOwn ? "own" : "theirs"}${isRun ? " run" : ""}`;
}
