/** `/me waves`: an action, sent as the text `/me waves` (XEP-0245), which every client can show. */

/** The action in a text; undefined: it is an ordinary message. */
export function emoteOf(text: string): string | undefined {
  return /^\/me[ \t]+(\S[^]*)$/.exec(text)?.[1];
}
