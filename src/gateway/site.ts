/** The page for browsers: read once, served from memory, and nothing else may be loaded by it. */
import { createHash } from "node:crypto";
import { readFile, readdir } from "node:fs/promises";
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";
import { extname, join } from "node:path";
import { gzipSync } from "node:zlib";

export interface Served {
  readonly status: 200 | 304;
  readonly headers: OutgoingHttpHeaders;
  readonly body: Uint8Array;
}

export interface Site {
  /** What stands at this path; undefined: nothing of the page. */
  answer(path: string, headers: IncomingHttpHeaders): Served | undefined;
}

interface Stored {
  readonly type: string;
  readonly etag: string;
  readonly body: Buffer;
  readonly gzip: Buffer;
}

const TYPES: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

/** Of a folder with `index.html` and `assets/`; undefined if it has not been built. */
export async function readSite(folder: string): Promise<Site | undefined> {
  const files = new Map<string, Stored>();
  try {
    files.set("/", await stored(join(folder, "index.html")));
    for (const name of await readdir(join(folder, "assets"))) {
      files.set(`/assets/${name}`, await stored(join(folder, "assets", name)));
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  return { answer: (path, headers) => answerOf(files.get(path), path, headers) };
}

async function stored(file: string): Promise<Stored> {
  const body = await readFile(file);
  const digest = createHash("sha256").update(body).digest("base64url").slice(0, 22);
  return {
    type: TYPES[extname(file)] ?? "application/octet-stream",
    etag: `W/"${digest}"`,
    body,
    gzip: gzipSync(body, { level: 9 }),
  };
}

function answerOf(
  file: Stored | undefined,
  path: string,
  asked: IncomingHttpHeaders,
): Served | undefined {
  if (file === undefined) return undefined;
  const headers: OutgoingHttpHeaders = {
    // names under assets carry a digest: another content is another name
    "cache-control": path === "/" ? "no-cache" : "public, max-age=31536000, immutable",
    "content-security-policy": policy(asked.host),
    "cross-origin-opener-policy": "same-origin",
    etag: file.etag,
    "referrer-policy": "no-referrer",
    vary: "accept-encoding",
    "x-content-type-options": "nosniff",
  };
  if (asked["if-none-match"]?.includes(file.etag) === true) {
    return { status: 304, headers, body: new Uint8Array() };
  }
  const isSmall = /\bgzip\b/.test(asked["accept-encoding"]?.toString() ?? "");
  const body = isSmall ? file.gzip : file.body;
  return {
    status: 200,
    headers: {
      ...headers,
      "content-type": file.type,
      "content-length": body.length,
      ...(isSmall && { "content-encoding": "gzip" }),
    },
    body,
  };
}

/** Content Security Policy Level 3. Some browsers take `'self'` for http only: so the host by name as well. */
function policy(host: string | undefined): string {
  const sockets =
    host !== undefined && /^[\w.\-:[\]]+$/.test(host) ? ` ws://${host} wss://${host}` : "";
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    `connect-src 'self'${sockets}`,
    "img-src 'self' data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}
