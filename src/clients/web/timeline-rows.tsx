/** The rows of the timeline. In the general chat, each run of messages is under its author, who stays in sight. */
import type { ComponentChildren } from "preact";
import type { Message } from "../sdk/events.js";
import { mayRemove } from "../view/rights.js";
import { EVERYBODY, type Conv, type View } from "../view/model.js";
import type { Row } from "../view/timeline.js";
import { Face } from "./icons.js";
import { useActions } from "./chat-session.js";
import { authorText } from "./texts.js";
import { TimelineRow } from "./timeline-row.js";

interface Props {
  readonly rows: readonly Row[];
  readonly conv: Conv;
  readonly me: string;
  readonly role: View["role"];
  readonly onRemove: (message: Message) => void;
}

export function TimelineRows({ rows, conv, me, role, onRemove }: Props): ComponentChildren {
  const { t } = useActions();
  const isRemovable = (row: Row): boolean =>
    row.type === "message" && mayRemove({ me, role }, row.message);
  const stop = rows.findLast(isRemovable);
  const lines: ComponentChildren[] = [];
  let run: ComponentChildren[] = [];
  for (const row of rows) {
    const removable = row === stop ? "stop" : isRemovable(row) ? "yes" : "no";
    const line = <TimelineRow key={row.key} {...{ row, conv, me, removable, onRemove }} />;
    if (conv !== EVERYBODY || row.type !== "message" || row.isOwn) lines.push(line);
    else if (row.isRun) run.push(line);
    else {
      run = [line];
      lines.push(
        <li key={`run ${row.key}`} class="speaker">
          <Face name={row.message.from} />
          <div>
            <bdi class="author" aria-hidden="true">
              {authorText(t, row.message.from)}
            </bdi>
            <ol>{run}</ol>
          </div>
        </li>,
      );
    }
  }
  return <ol>{lines}</ol>;
}
