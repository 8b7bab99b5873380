/** Sanitizes texts for a terminal: no control characters, no escape sequences, no hidden directions. */

/* oxlint-disable no-control-regex -- control characters are what this file is about */

/** ECMA-48 §5.4: CSI; then strings (OSC, DCS, SOS, PM, APC) that have an end; then the short ones. */
const SEQUENCES =
  /(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x90\x98\x9c-\x9f]*(?:\x07|\x1b\\|\x9c)|\x1b[ -/]*[0-~]/g;
const LINE_ENDS = /\r\n?|[\x0b\x0c\x85\u2028\u2029]/g;
const CONTROLS = /[\x00-\x09\x0e-\x1f\x7f-\x9f]/g;
/** Marks, embeddings, overrides and isolates of UAX #9, and other invisible characters. */
const INVISIBLE =
  /[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;
const LONE_SURROGATES = /\p{Cs}/gu;
/** Combining marks that are stacked until they cover the lines above. */
const STACKED_MARKS = /(\p{M}{4})\p{M}+/gu;

/** A text; its line ends stay, as `\n`. */
export function sanitize(text: string): string {
  return text
    .replace(SEQUENCES, "")
    .replace(LINE_ENDS, "\n")
    .replaceAll("\t", "  ")
    .replace(CONTROLS, "")
    .replace(INVISIBLE, "")
    .replace(LONE_SURROGATES, "\ufffd")
    .replace(STACKED_MARKS, "$1");
}

/** A pasted text, to be edited and sent: without control characters and escape sequences; letters stay as they are. */
export function sanitizePaste(text: string): string {
  return text
    .replace(/\x1b(?:\[[0-?]*[ -/]*)?$/, "")
    .replace(SEQUENCES, "")
    .replace(/\r\n?|[\x0b\x0c\x85]/g, "\n")
    .replaceAll("\t", "  ")
    .replace(CONTROLS, "");
}

/** A name, or anything else that stands on one line. */
export function sanitizeLine(text: string): string {
  return sanitize(text).replaceAll("\n", " ");
}

/** A value as JSON on one line, with everything escaped that a terminal would obey. */
export function sanitizeJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g,
    (each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
