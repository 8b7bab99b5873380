/** Pages: plain HTTP on the chat's port. PROTOCOL.md, connecting. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Chat } from "../chat/chat.js";
import type { Name } from "../chat/names.js";
import type { Log } from "../observe.js";
import { publishedSchema } from "../wire/json-schema.js";
import { LINGER_MS } from "./handshake.js";
import { NODE_HEADER } from "./peers.js";
import type { Served, StaticSite } from "./static-site.js";
import { parseUpgradeRequest } from "./upgrade-request.js";

export interface HttpRoutesDependencies {
  readonly chat: Chat;
  readonly log: Log;
  /** Of this life of this gateway. */
  readonly id: string;
  /** See HoldDoors. */
  readonly mayBeFree: (name: Name) => Promise<boolean>;
  readonly isReady: () => boolean;
  readonly isDraining: () => boolean;
  /** Undefined: it was not built. */
  readonly site: StaticSite | undefined;
}

interface Page {
  readonly status: number;
  readonly body: string;
  readonly type?: string;
}

const SCHEMA = JSON.stringify(publishedSchema(), null, 2);

export class HttpRoutes {
  readonly #doors: HttpRoutesDependencies;

  constructor(doors: HttpRoutesDependencies) {
    this.#doors = doors;
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.resume();
    response.on("finish", () => setTimeout(() => request.socket.destroy(), LINGER_MS).unref());
    const found = this.#ofSite(request);
    if (found !== undefined) {
      response.writeHead(found.status, { ...found.headers, connection: "close" });
      response.end(request.method === "HEAD" ? undefined : found.body);
      return;
    }
    const { status, body, type } = await this.#answer(request).catch((error: unknown) => {
      this.#doors.log.warn({ err: error }, "request failed");
      return text(503, "the chat is unavailable, try again");
    });
    // closed, so that the next request line goes through the front as well
    response.writeHead(status, {
      "content-type": type ?? "text/plain; charset=utf-8",
      [NODE_HEADER]: this.#doors.id,
      connection: "close",
    });
    response.end(request.method === "HEAD" ? undefined : `${body}\n`);
  }

  /** With a name it is the question whether that is free, as ever. */
  #ofSite(request: IncomingMessage): Served | undefined {
    const { path, name } = parseUpgradeRequest(request);
    if (name !== undefined || (request.method !== "GET" && request.method !== "HEAD")) {
      return undefined;
    }
    return this.#doors.site?.answer(path, request.headers);
  }

  async #answer(request: IncomingMessage): Promise<Page> {
    const { path, name } = parseUpgradeRequest(request);
    if (request.method !== "GET" && request.method !== "HEAD") return text(405, "only GET");
    if (path === "/healthz") return text(200, "alive");
    if (path === "/readyz") {
      if (this.#doors.isDraining()) return text(404, "draining");
      return this.#doors.isReady() ? text(200, "ready") : text(503, "not ready");
    }
    if (path === "/tertulia.v1.schema.json") {
      return { status: 200, body: SCHEMA, type: "application/schema+json" };
    }
    if (name === undefined) {
      if (path !== "/") return text(404, "nothing here");
      return text(200, "Tertulia. Connect a chat client to this port: ?name=you");
    }
    if (this.#doors.chat.refuseName(name)) return text(400, "nobody can be called this");
    const { chat, mayBeFree } = this.#doors;
    const isTaken = async (): Promise<boolean> => chat.isTaken(name);
    const isHeld = (await isTaken()) && !((await mayBeFree(name)) && !(await isTaken()));
    return isHeld ? text(400, "this name is taken") : text(200, "free");
  }
}

function text(status: number, body: string): Page {
  return { status, body };
}
