/** `/me waves`: what somebody does, said as the text `/me waves` (XEP-0245), which every client can read. */

/** What the author does; undefined: the text is something said. */
export function emoteOf(text: string): string | undefined {
  return /^\/me[ \t]+(\S[^]*)$/.exec(text)?.[1];
}
