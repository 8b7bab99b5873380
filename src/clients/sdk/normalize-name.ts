/**
 * A name in the form that the chat wants (PROTOCOL.md, names and texts): some keyboards type é as two characters,
 * or a selector after ⭐ that changes nothing.
 */
export function normalizeName(name: string): string {
  return name.normalize("NFC").replace(/(\p{Emoji_Presentation})\uFE0F/gu, "$1");
}
