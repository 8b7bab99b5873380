/**
 * The first line of a request: mended where real clients need it, refused where no client of any kind means it.
 *
 * Real clients send `GET ?name=alice HTTP/1.1`, raw UTF-8, or a blank in the query. Node's parser answers 400 to all
 * of these, and fires no event. So that line is mended before the parser sees it. PROTOCOL.md, connecting.
 */

/** A line that needs no mending. */
const USUAL = /^(?!CONNECT )[A-Z]+ \/[\x21-\x7e]* HTTP\/1\.[01]$/;
/** The target stands between the first blank and the last ` HTTP/1.x`. */
const PARTS = /^([A-Za-z]+) (.*)( HTTP\/1\.[01])$/s;
// oxlint-disable-next-line no-control-regex -- they are what is looked for
const CONTROL = /[\x00-\x1f\x7f]/;

/**
 * Puts a slash before a target that has none, and percent-encodes blanks and bytes above 0x7E.
 *
 * @param line without its CRLF
 * @returns the line as it shall be read, or the status with which it is refused: 405 for CONNECT; 400 for what is no
 *   HTTP/1, has a control byte, or asks for another server's resource (an absolute target: this is no proxy)
 */
export function mendedLine(line: Buffer): Buffer | 400 | 405 {
  const text = line.toString("latin1");
  if (USUAL.test(text)) return line;
  const parts = CONTROL.test(text) ? null : PARTS.exec(text);
  if (parts === null) return 400;
  const [, method, target, version] = parts as unknown as [string, string, string, string];
  if (method.toUpperCase() === "CONNECT") return 405;
  if (/^https?:/i.test(target)) return 400;
  const encoded = target.replaceAll(/[^\x21-\x7e]/g, percentEncoded);
  const isWhole = encoded.startsWith("/") || encoded === "*";
  return Buffer.from(`${method} ${isWhole ? "" : "/"}${encoded}${version}`, "latin1");
}

function percentEncoded(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
}
