/**
 * Spells a name as the chat wants it (PROTOCOL.md, names and texts): some keyboards type é in two characters,
 * and a selector behind ⭐ that changes nothing.
 */
export function normalizeName(name: string): string {
  return name.normalize("NFC").replace(/(\p{Emoji_Presentation})\uFE0F/gu, "$1");
}
