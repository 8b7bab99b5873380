/** The routes of plain HTTP on the chat's port. PROTOCOL.md, connecting. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Chat } from "../chat/chat.js";
import type { Name } from "../chat/names.js";
import type { Log } from "../observe.js";
import { publishedSchema } from "../wire/json-schema.js";
import { CROWDED } from "./admission.js";
import { ALLOWED, commonHeaders } from "./answers.js";
import { claimRefusal, hasBody } from "./handshake.js";
import { connectionOf } from "./one-request.js";
import { NODE_HEADER } from "./peers.js";
import type { Served, StaticSite } from "./static-site.js";
import { parseUpgradeRequest } from "./upgrade-request.js";

export interface HttpRoutesDependencies {
  readonly chat: Chat;
  readonly log: Log;
  /** Identifies this run of this gateway. */
  readonly id: string;
  /** See NameClaimCallbacks. */
  readonly mayBeFree: (name: Name) => Promise<boolean>;
  readonly isReady: () => boolean;
  readonly isDraining: () => boolean;
  /** Whether a request may be answered: at once, or when it is its turn. */
  readonly admit: (request: IncomingMessage) => true | Promise<boolean>;
  /** Undefined if it was not built. */
  readonly site: StaticSite | undefined;
}

interface Page {
  readonly status: number;
  readonly body: string;
  readonly type?: string;
  readonly retryAfterS?: number | undefined;
}

const HEALTH: ReadonlySet<string> = new Set(["/healthz", "/readyz"]);
/** A client that reads no answer is cut. Longer than a contested name takes. */
const ANSWERED_WITHIN_MS = 15_000;
const SCHEMA = JSON.stringify(publishedSchema(), null, 2);

export class HttpRoutes {
  readonly #dependencies: HttpRoutesDependencies;

  constructor(dependencies: HttpRoutesDependencies) {
    this.#dependencies = dependencies;
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const common = commonHeaders(connectionOf(request));
    const late = setTimeout(() => request.socket.destroy(), ANSWERED_WITHIN_MS).unref();
    response.on("close", () => clearTimeout(late));
    const refusal = refusalOf(request) ?? (await this.#turnedAway(request));
    const page = refusal === undefined ? this.#page(request) : undefined;
    if (page !== undefined) {
      response.writeHead(200, { ...common, ...page.headers });
      response.end(request.method === "HEAD" ? undefined : page.body);
      return;
    }
    const answer = async (): Promise<Page> => refusal ?? (await this.#answer(request));
    const { status, body, type, retryAfterS } = await answer().catch((error: unknown) => {
      this.#dependencies.log.warn(
        { event: "http_request_failed", err: error },
        "http request failed",
      );
      return text(503, "the chat is unavailable, try again");
    });
    const bytes = Buffer.from(`${body}\n`);
    response.writeHead(status, {
      ...common,
      "content-type": type ?? "text/plain; charset=utf-8",
      "content-length": bytes.length,
      [NODE_HEADER]: this.#dependencies.id,
      ...(status === 405 && ALLOWED),
      ...(retryAfterS !== undefined && { "retry-after": `${retryAfterS}` }),
    });
    response.end(request.method === "HEAD" ? undefined : bytes);
  }

  /** Balancers ask for the node's health, and wait for nobody. */
  async #turnedAway(request: IncomingMessage): Promise<Page | undefined> {
    if (HEALTH.has(parseUpgradeRequest(request).path)) return undefined;
    if (await this.#dependencies.admit(request)) return undefined;
    const [status, reason, retryAfterS] = CROWDED;
    return text(status, reason, retryAfterS);
  }

  /** A request with a name asks whether that name is free; it is not for the page. */
  #page(request: IncomingMessage): Served | undefined {
    const { path, name } = parseUpgradeRequest(request);
    if (name !== undefined) return undefined;
    return this.#dependencies.site?.answer(path, request.headers);
  }

  async #answer(request: IncomingMessage): Promise<Page> {
    const { path, name } = parseUpgradeRequest(request);
    if (path === "/healthz") return text(200, "alive");
    if (path === "/readyz") {
      if (this.#dependencies.isDraining()) return text(404, "draining");
      return this.#dependencies.isReady() ? text(200, "ready") : text(503, "not ready");
    }
    if (path === "/tertulia.v1.schema.json") {
      return { status: 200, body: SCHEMA, type: "application/schema+json" };
    }
    if (name === undefined) {
      if (path !== "/") return text(404, "nothing here");
      return text(200, "Tertulia. Connect a chat client to this port: ?name=you");
    }
    const { chat, mayBeFree } = this.#dependencies;
    const refusal = chat.mayJoin(name);
    if (refusal !== undefined) return text(...claimRefusal(refusal));
    let freedom = await chat.freedom(name);
    if (freedom === "taken" && (await mayBeFree(name))) freedom = await chat.freedom(name);
    if (freedom === "free" || freedom === "new") return text(200, "free");
    return text(...claimRefusal(freedom));
  }
}

/** Why nobody is asked for the answer. */
function refusalOf(request: IncomingMessage): Page | undefined {
  if (request.method !== "GET" && request.method !== "HEAD") return text(405, "only GET");
  if (hasBody(request.headers)) return text(400, "a request has no body here");
  return hasOneHost(request) ? undefined : text(400, "a request names one host");
}

/** RFC 9112 §3.2. */
function hasOneHost({ httpVersionMinor, rawHeaders }: IncomingMessage): boolean {
  const hosts = rawHeaders.filter((each, i) => i % 2 === 0 && each.toLowerCase() === "host").length;
  return hosts === 1 || (hosts === 0 && httpVersionMinor === 0);
}

function text(status: number, body: string, retryAfterS?: number): Page {
  return { status, body, retryAfterS };
}
