/** The static site: the page for browsers, one file, read once and served from memory. It loads nothing else. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

export interface Served {
  readonly headers: OutgoingHttpHeaders;
  readonly body: Uint8Array;
}

export interface StaticSite {
  /** The answer for this path; undefined if the site has nothing there. */
  answer(path: string, headers: IncomingHttpHeaders): Served | undefined;
}

interface Page {
  readonly body: Buffer;
  readonly gzip: Buffer;
  /** Sources of its own script and styles, as a Content Security Policy names them. */
  readonly scripts: string;
  readonly styles: string;
}

/** What the page must know of this chat before it asks for a name. */
export interface SiteSettings {
  readonly IDENTITY: "open" | "accounts" | "token";
  readonly REGISTRATION: "open" | "closed";
}

/** Reads the `index.html` of a folder; undefined if it has not been built. */
export async function readStaticSite(
  folder: string,
  settings: SiteSettings,
): Promise<StaticSite | undefined> {
  let body: Buffer;
  try {
    const html = await readFile(join(folder, "index.html"), "utf8");
    body = Buffer.from(html.replace("<html ", `<html ${attributesOf(settings)}`));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  const page: Page = {
    body,
    gzip: gzipSync(body, { level: 9 }),
    scripts: sourcesOf("script", body),
    styles: sourcesOf("style", body),
  };
  return { answer: (path, headers) => (path === "/" ? answerOf(page, headers) : undefined) };
}

/** Of the element `html`: none, where whoever takes a free name is that person. */
function attributesOf({ IDENTITY: identity, REGISTRATION: registration }: SiteSettings): string {
  switch (identity) {
    case "open":
      return "";
    case "accounts":
      return `data-identity="accounts" data-registration="${registration}" `;
    case "token":
      return `data-identity="token" `;
    default:
      return identity satisfies never;
  }
}

function answerOf(page: Page, asked: IncomingHttpHeaders): Served {
  const isSmall = /\bgzip\b/.test(asked["accept-encoding"]?.toString() ?? "");
  const body = isSmall ? page.gzip : page.body;
  return {
    headers: {
      "content-security-policy": policy(page, asked.host),
      "cross-origin-opener-policy": "same-origin",
      "content-type": "text/html; charset=utf-8",
      "content-length": body.length,
      ...(isSmall && { "content-encoding": "gzip" }),
    },
    body,
  };
}

/** Content Security Policy Level 3. For some browsers `'self'` means http only, so the host is named as well. */
function policy({ scripts, styles }: Page, host: string | undefined): string {
  const sockets =
    host !== undefined && /^[\w.\-:[\]]+$/.test(host) ? ` ws://${host} wss://${host}` : "";
  return [
    "default-src 'none'",
    `script-src ${scripts}`,
    `style-src ${styles}`,
    `connect-src 'self'${sockets}`,
    "img-src 'self' data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

/** The hashes of the contents of all elements of this kind. The build writes no `</` inside them. */
function sourcesOf(kind: "script" | "style", page: Buffer): string {
  const elements = page.toString().matchAll(new RegExp(`<${kind}[^>]*>(.*?)</${kind}>`, "gs"));
  const hashes = [...elements].map(([, text]) => `'sha256-${digestOf(text!).toString("base64")}'`);
  return hashes.length === 0 ? "'none'" : hashes.join(" ");
}

function digestOf(content: string | Buffer): Buffer {
  return createHash("sha256").update(content).digest();
}
