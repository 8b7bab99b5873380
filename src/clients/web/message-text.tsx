/** A message's text: never markup; http and https addresses become links; `/me` actions are shown as such. */
import type { ComponentChildren } from "preact";
import { emoteOf } from "../view/emote.js";
import { linkified } from "../view/links.js";

interface Props {
  readonly text: string;
  readonly from: string;
}

export function MessageText({ text, from }: Props): ComponentChildren {
  const action = emoteOf(text);
  return (
    <bdi class={action === undefined ? "said" : "said action"}>
      {action !== undefined && (
        <>
          * <bdi>{from}</bdi>{" "}
        </>
      )}
      {linkified(action ?? text).map((part) =>
        part.type === "text" ? (
          part.text
        ) : (
          <a href={part.href} data-host={part.host} target="_blank" rel="noopener noreferrer">
            {part.text}
          </a>
        ),
      )}
    </bdi>
  );
}
