/**
 * Links (http and https) within a text. A link never leads to another host than the one that is shown: an
 * address that a browser reads differently from people is shown with the host that it means.
 */

export interface Link {
  readonly type: "link";
  /** As it was written. */
  readonly text: string;
  readonly href: string;
  /** Where it leads, if that is not what is written: `xn--mller-kva.de` for `müller.de`. */
  readonly host: string | undefined;
}

export type Part = { readonly type: "text"; readonly text: string } | Link;

/** All of the text, in order. */
export function linkified(text: string): readonly Part[] {
  const parts: Part[] = [];
  let from = 0;
  const begins = new RegExp(BEGINS);
  for (let match = begins.exec(text); match !== null; match = begins.exec(text)) {
    const link = parseLink(match[0]);
    if (link === undefined) continue;
    if (match.index > from) parts.push({ type: "text", text: text.slice(from, match.index) });
    parts.push(link);
    from = match.index + link.text.length;
    begins.lastIndex = from;
  }
  if (from < text.length) parts.push({ type: "text", text: text.slice(from) });
  return parts;
}

/** An address, and perhaps more behind it: up to a blank, a quote or a backslash. */
const BEGINS = /(?<![a-z\d+.-])https?:\/\/[^\s\\"`<>]+/gi;
/**
 * Nothing that cannot be seen; a joiner only within a word. No punctuation of other scripts: behind `。`
 * or `»` the sentence goes on. Dashes, `’` and the dots of Catalan and Japanese stand within words.
 */
const ENDS =
  /(?![\u200d\u200c][\p{L}\p{Extended_Pictographic}])[\p{C}\p{Default_Ignorable_Code_Point}\u2800]|(?![\0-\x7f\p{Pd}\p{Pc}’·・])\p{P}/u;
/** Before the path less may stand. */
const HOST_ENDS = /[\u200d\u200c'’(){}[\]!,;*]/;
const IPV6_ENDS = /(?<=\]).*?[^:\d]/;
/** A host that seems to go on, behind something that cannot be seen. */
const SEEMS_LONGER = /^[\p{C}\p{Default_Ignorable_Code_Point}]+[^\s\p{C}]/u;
/** Ends a sentence rather than an address. */
const TRAILING = /[.,;:!?'’*_~([{]+$/;
const BRACKETS: Readonly<Record<string, string>> = { ")": "(", "]": "[", "}": "{" };

function parseLink(candidate: string): Link | undefined {
  const [, scheme, authority] = /^(https?:\/\/)([^/?#]*)/i.exec(candidate)!;
  const host = before(authority!.startsWith("[") ? IPV6_ENDS : HOST_ENDS, before(ENDS, authority!));
  const path =
    host === authority ? before(ENDS, candidate.slice(scheme!.length + host.length)) : "";
  // https://bank.example@evil.example leads to the latter
  if (host === "" || host.includes("@") || SEEMS_LONGER.test(authority!.slice(host.length)))
    return undefined;
  const text = upToUnopenedBracket(scheme + host + path).replace(TRAILING, "");
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  const shown = /^https?:\/\/([^/?#]*)/i.exec(text)![1]!.toLowerCase();
  const isShown = [url.host, `${url.host}:80`, `${url.host}:443`].includes(shown);
  return { type: "link", text, href: url.href, host: isShown ? undefined : url.host };
}

function before(end: RegExp, text: string): string {
  const at = text.search(end);
  return at < 0 ? text : text.slice(0, at);
}

/** Up to the first bracket that closes what was not opened. */
function upToUnopenedBracket(address: string): string {
  const opened: string[] = [];
  for (let at = 0; at < address.length; at++) {
    const sign = address[at]!;
    if ("([{".includes(sign)) opened.push(sign);
    else if (sign in BRACKETS && opened.pop() !== BRACKETS[sign]) return address.slice(0, at);
  }
  return address;
}
