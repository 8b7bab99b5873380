/** What is visible of a name or a text. PROTOCOL.md, JSON, names and texts. */

/**
 * Whether a name shows what it is: no other plain name looks the same because of an invisible
 * character, another kind of blank, or another spelling of the same letters in Unicode.
 * Look-alikes from different scripts (Latin a, Cyrillic а) are not detected.
 */
export function isPlain(name: string): boolean {
  if (PLAIN_ASCII.test(name)) return true; // most names: the other questions cost a hundred times as much
  if (name !== name.normalize("NFC") || MARKED_TWICE.test(name.normalize("NFD"))) return false;
  return !HIDES.test(withoutJoins(name));
}

/** Whether nothing of a text is visible. */
export function isBlank(text: string): boolean {
  return NOTHING_SEEN.test(text);
}

const PLAIN_ASCII = /^[!-~]+(?: [!-~]+)*$/;

/** Removes each joiner and selector that changes what is visible, and each emoji that needs one. */
function withoutJoins(name: string): string {
  return name.replace(EMOJI, "☺").replace(JOINER_OF_A_SCRIPT, "");
}

/** Only the emoji that Unicode recommends: in another order, joined emoji look as if they stood apart. */
const EMOJI = new RegExp(String.raw`\p{RGI_Emoji}`, "gv");

/** Arabic letters that join the next one, and those that join the one before. Unicode, ArabicShaping.txt. */
const ARABIC = String.raw`[\u0620-\u06ff\u0750-\u077f\u0886-\u08c8]&&[\p{sc=Arabic}&&\p{L}]`;
const UNJOINED = String.raw`[\u0621\u0674\u06e5\u06e6\u0887\u08ad]`;
const JOINED_BEFORE_ONLY = String.raw`[\u0622-\u0625\u0627\u0629\u062f-\u0632\u0648\u0671-\u0677\u0688-\u0699\u06c0\u06c3-\u06cb\u06cd\u06cf\u06d2\u06d3\u06d5\u06ee\u06ef\u0759-\u075b\u076b\u076c\u0771\u0773\u0774\u0778\u0779\u088e\u08aa-\u08ac\u08ae\u08b1\u08b2\u08b9]`;
const JOINS_NEXT = String.raw`[[[${ARABIC}]--${UNJOINED}]--${JOINED_BEFORE_ONLY}]`;
const JOINS_PREVIOUS = String.raw`[[${ARABIC}]--${UNJOINED}]`;
/** The virama of the scripts of India and Sri Lanka, whose letters joiners keep apart or halve. */
const VIRAMA = String.raw`[\u094d\u09cd\u0a4d\u0acd\u0b4d\u0bcd\u0c4d\u0ccd\u0d4d\u0dca]`;

/** RFC 5892, appendix A.1 and A.2, in the scripts that write names with joiners. */
const JOINER_OF_A_SCRIPT = new RegExp(
  [
    String.raw`(?<=${JOINS_NEXT}\p{Mn}*)\u200c(?=${JOINS_PREVIOUS})`,
    String.raw`(?<=${VIRAMA})\u200c(?=\p{L})`,
    // not where it makes what is a letter of its own: a Malayalam chillu, the Bengali khanda ta
    String.raw`(?<=[${VIRAMA}--\u0d4d])(?<!\u09a4\u09cd)\u200d`,
    // ra that keeps its own shape, in Bengali and Kannada: not in the RFC, but in names and common words
    String.raw`(?<=\u09b0)\u200d(?=\u09cd)|(?<=\u0cb0)\u200d(?=\u0ccd)`,
  ].join("|"),
  "gv",
);

/**
 * Letters, marks and symbols by Unicode's categories that are drawn as nothing, or as a blank. The inside
 * of a class of a regular expression.
 */
export const EMPTY = String.raw`\u2800\ufff9-\ufffc\u{13441}\u{13442}\u{16fe4}\u{1d159}`;

const HIDES = new RegExp(
  [
    // characters that are not drawn, or that no font draws; but emoji of later versions of Unicode are allowed
    String.raw`[[\p{DI}\p{C}${EMPTY}\ufffd]--[\p{Cn}&&\p{ExtPict}]]`,
    // characters that differ from others only in that no line breaks behind them
    String.raw`[\u0f0c\u2011]`,
    // blanks but U+0020 and the wide U+3000; and blanks at an end, or two in a row
    String.raw`[\p{Z}--[ \u3000]]`,
    String.raw`^\p{Z}|\p{Z}$|\p{Z}{2}`,
    // a dot on a letter that has one
    String.raw`(?<=\p{Soft_Dotted}\p{Mn}*)\u0307(?!\p{M})`,
    // marks that have no letter to stand on
    String.raw`(?<=^|\p{Z})\p{M}`,
  ].join("|"),
  "v",
);

/** The second of two equal marks may be drawn upon the first. Unicode, UTS #39, 5.4 */
const MARKED_TWICE = /(\p{Mn})\1/u;

const NOTHING_SEEN = new RegExp(String.raw`^[\p{DI}\p{White_Space}\p{Cc}${EMPTY}]*$`, "v");
