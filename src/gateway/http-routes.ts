/** The routes of plain HTTP on the chat's port. PROTOCOL.md, connecting. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Chat } from "../chat/chat.js";
import type { Name } from "../chat/names.js";
import type { Log } from "../observe.js";
import { publishedSchema } from "../wire/json-schema.js";
import { LINGER_MS, claimRefusal } from "./handshake.js";
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
  /** Undefined if it was not built. */
  readonly site: StaticSite | undefined;
}

interface Page {
  readonly status: number;
  readonly body: string;
  readonly type?: string;
}

const SCHEMA = JSON.stringify(publishedSchema(), null, 2);

export class HttpRoutes {
  readonly #dependencies: HttpRoutesDependencies;

  constructor(dependencies: HttpRoutesDependencies) {
    this.#dependencies = dependencies;
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.resume();
    response.on("finish", () => setTimeout(() => request.socket.destroy(), LINGER_MS).unref());
    const found = this.#answerOfSite(request);
    if (found !== undefined) {
      response.writeHead(found.status, { ...found.headers, connection: "close" });
      response.end(request.method === "HEAD" ? undefined : found.body);
      return;
    }
    const { status, body, type } = await this.#answer(request).catch((error: unknown) => {
      this.#dependencies.log.warn(
        { event: "http_request_failed", err: error },
        "http request failed",
      );
      return text(503, "the chat is unavailable, try again");
    });
    // closed, because only the first request line of a connection is mended
    response.writeHead(status, {
      "content-type": type ?? "text/plain; charset=utf-8",
      [NODE_HEADER]: this.#dependencies.id,
      connection: "close",
    });
    response.end(request.method === "HEAD" ? undefined : `${body}\n`);
  }

  /** A request with a name asks whether that name is free; it is not for the page. */
  #answerOfSite(request: IncomingMessage): Served | undefined {
    const { path, name } = parseUpgradeRequest(request);
    if (name !== undefined || (request.method !== "GET" && request.method !== "HEAD")) {
      return undefined;
    }
    return this.#dependencies.site?.answer(path, request.headers);
  }

  async #answer(request: IncomingMessage): Promise<Page> {
    const { path, name } = parseUpgradeRequest(request);
    if (request.method !== "GET" && request.method !== "HEAD") return text(405, "only GET");
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
    const isTaken = async (): Promise<boolean> => chat.isTaken(name);
    const isHeld = (await isTaken()) && !((await mayBeFree(name)) && !(await isTaken()));
    return isHeld ? text(400, "this name is taken") : text(200, "free");
  }
}

function text(status: number, body: string): Page {
  return { status, body };
}
