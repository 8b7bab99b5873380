/** A text as text: nothing in it is markup; addresses of http and https become links. */
import type { ComponentChildren } from "preact";
import { linkified } from "../view/links.js";

export function Said({ text }: { readonly text: string }): ComponentChildren {
  return (
    <bdi class="said">
      {linkified(text).map((part) =>
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
