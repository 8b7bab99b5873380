/** A text as text: nothing in it is markup; addresses of http and https become links. */
import type { ComponentChildren } from "preact";

/** No blanks, quotes or brackets, and nothing that turns the direction or cannot be seen. */
const ADDRESS = /https?:\/\/[^\s<>"'`\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]+/gi;
/** Belongs to the sentence rather than to the address. */
const TRAILING = /[.,;:!?)\]}…]+$/;

export function Said({ text }: { readonly text: string }): ComponentChildren {
  return <bdi class="said">{parts(text)}</bdi>;
}

function parts(text: string): ComponentChildren[] {
  const found: ComponentChildren[] = [];
  let from = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const address = match[0].replace(TRAILING, "");
    const href = safeHref(address);
    if (href === undefined) continue;
    found.push(
      text.slice(from, match.index),
      <a href={href} target="_blank" rel="noopener noreferrer">
        {address}
      </a>,
    );
    from = match.index + address.length;
  }
  found.push(text.slice(from));
  return found;
}

function safeHref(address: string): string | undefined {
  if (!URL.canParse(address)) return undefined;
  const { protocol, href } = new URL(address);
  return protocol === "http:" || protocol === "https:" ? href : undefined;
}
