/** The upgrade: what stands between a request for a WebSocket and the session that comes of it. */
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { WebSocketServer, type Server as ServerOf, type ServerOptions } from "ws";
import type { Chat } from "../chat/chat.js";
import { toldOf } from "../chat/sanctions.js";
import type { Dialect } from "../wire/dialect.js";
import { addressKey } from "../limits/address-key.js";
import { CROWDED, type Admission } from "./admission.js";
import { AnsweringSocket } from "./answering-socket.js";
import type { ConnectionCaps } from "./connection-caps.js";
import type { EventLog } from "./event-log.js";
import { LINGER_MS } from "./hang-up.js";
import {
  answerUpgrade,
  claimRefusal,
  isWebSocket,
  mendOffer,
  shortestEcho,
  type UpgradeRefusal,
} from "./handshake.js";
import type { CloseTimeout } from "./library-internals.js";
import type { KnownBans } from "./moderator.js";
import { PageOrigins, type PageSettings } from "./page-origin.js";
import type { Session } from "./session.js";
import { addressOf, endWith, watchEnd } from "./tcp-acceptor.js";
import {
  SPOKEN_HERE,
  dialectOf,
  parseUpgradeRequest,
  type DialectName,
  type UpgradeRequest,
} from "./upgrade-request.js";

export interface UpgraderSettings {
  readonly maxFrameBytes: number;
  /** Whether users' addresses are kept, for those who look them up. */
  readonly keepsAddresses: boolean;
  readonly pages: PageSettings;
}

export interface UpgraderDependencies {
  readonly chat: Chat;
  readonly bans: KnownBans;
  readonly events: EventLog;
  readonly dialects: Readonly<Record<DialectName, Dialect>>;
  readonly caps: ConnectionCaps;
  readonly admission: Admission;
  /** Whether new clients are taken in. */
  readonly isReady: () => boolean;
  /** Whether the node has begun to close its sessions. */
  readonly isLeaving: () => boolean;
  /** A session for a connection whose upgrade is under way. */
  readonly open: (dialect: Dialect) => Session;
}

const FOREIGN_PAGE =
  "this page may not connect: it is not of this host, or of a name that may lead here by mistake; see ALLOWED_ORIGINS";

/** A message may come in so many fragments; if it is longer, in fragments of so many bytes on average. Each costs memory. */
const LEAST_FRAGMENTS = 64;
const FRAGMENT_BYTES = 1_024;
/** Pieces in which the network brings a frame that is not complete yet. Each costs memory, too, however short it is. */
const MOST_CHUNKS = 1_024;
/** Frames that came behind the request are still in the socket. */
const NOTHING = Buffer.alloc(0);

export class Upgrader {
  readonly #settings: UpgraderSettings;
  readonly #dependencies: UpgraderDependencies;
  readonly #pages: PageOrigins;
  /** Classic texts are bytes of any kind, in frames of either type. */
  readonly #binary: ServerOf<typeof AnsweringSocket>;
  readonly #text: ServerOf<typeof AnsweringSocket>;

  constructor(settings: UpgraderSettings, dependencies: UpgraderDependencies) {
    this.#settings = settings;
    this.#dependencies = dependencies;
    this.#pages = new PageOrigins(settings.pages);
    const options: ServerOptions<typeof AnsweringSocket> & CloseTimeout = {
      WebSocket: AnsweringSocket,
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: settings.maxFrameBytes,
      maxFragments: Math.max(LEAST_FRAGMENTS, settings.maxFrameBytes / FRAGMENT_BYTES),
      maxBufferedChunks: MOST_CHUNKS,
      closeTimeout: LINGER_MS,
      handleProtocols: (offered) => shortestEcho(offered),
    };
    this.#binary = new WebSocketServer({ ...options, skipUTF8Validation: true });
    this.#text = new WebSocketServer(options);
  }

  /** Answers the request: with 101, when its name is held; else with a refusal. Rejects only because of a bug. */
  async upgrade(request: IncomingMessage, socket: Socket): Promise<void> {
    const target = parseUpgradeRequest(request);
    const dialect = dialectOf(target);
    const { dialects, events } = this.#dependencies;
    const address = addressOf(socket);
    const refuse = (...refusal: UpgradeRefusal): void => {
      const [status, reason] = refusal;
      const origin = status === 403 ? request.headers.origin : undefined;
      events.connectionRefused(status, reason, { name: target.name, dialect, address, origin });
      answerUpgrade(socket, refusal, request.method);
    };
    if (!isWebSocket(request, target.subprotocols))
      return refuse(400, "this is no WebSocket handshake");
    if (!this.#pages.allows(request.headers, address)) return refuse(403, FOREIGN_PAGE);
    if (dialect === "unknown") return refuse(400, SPOKEN_HERE);
    const refusal = this.#bannedOf(target, address) ?? this.#refusalOf(target, dialect);
    if (socket.destroyed) return; // counted now, it would be counted for ever
    const { nameInRequest } = dialects[dialect].traits;
    const isClaimed = target.name !== undefined && nameInRequest !== "introduced";
    const naming = isClaimed ? "claims" : "nameless";
    const full = refusal ?? this.#dependencies.caps.take(socket, address, naming);
    if (full !== undefined) return refuse(...full);
    const isAdmitted = await this.#turn(socket, address);
    if (socket.destroyed) return;
    if (!isAdmitted) return refuse(...CROWDED);
    const banned = this.#bannedOf(target, address); // meanwhile
    if (banned !== undefined) return refuse(...banned);

    const session = this.#dependencies.open(dialects[dialect]);
    session.holder.origin = { address, shown: target.shown };
    if (this.#settings.keepsAddresses) session.holder.address = address;
    endWith(socket, session);
    const { frames } = session.dialect;
    let connected: "new" | "back" | "joined" | undefined;
    if (isClaimed) {
      const unwatch = watchEnd(socket, () => void session.end());
      const { outcome, details } = await session.claim(target.name);
      unwatch();
      if (outcome !== "new" && outcome !== "back" && outcome !== "joined") {
        return refuse(...claimRefusal(outcome, details));
      }
      connected = outcome;
    }
    if (this.#dependencies.isLeaving()) return refuse(503, "this node is stopping");
    mendOffer(request, target.subprotocols);
    const webSockets = frames === "text" ? this.#text : this.#binary;
    webSockets.handleUpgrade(request, socket, NOTHING, (webSocket) => {
      session.attach(webSocket, socket);
      if (connected === undefined) events.opened(session, address);
      else events.connected(session, connected, { address });
      if (target.name !== undefined && !isClaimed) session.introduce(target.name);
    });
  }

  /** Waits for the turn of this address; the client may hang up meanwhile. */
  async #turn(socket: Socket, address: string | undefined): Promise<boolean> {
    const turn = this.#dependencies.admission.enter(addressKey(address), () => socket.destroyed);
    if (turn === true) return true;
    const unwatch = watchEnd(socket, () => socket.destroy());
    const isAdmitted = await turn;
    unwatch();
    return isAdmitted;
  }

  #bannedOf({ name }: UpgradeRequest, address: string | undefined): UpgradeRefusal | undefined {
    const { bans } = this.#dependencies;
    const ban = bans.banOfAddress(address) ?? (name === undefined ? undefined : bans.banOf(name));
    return ban === undefined ? undefined : [403, toldOf(ban)];
  }

  /** Why the upgrade is refused before anything is claimed. */
  #refusalOf({ name }: UpgradeRequest, dialect: DialectName): UpgradeRefusal | undefined {
    const { chat, dialects, isReady, isLeaving } = this.#dependencies;
    if (!isReady() || isLeaving()) return [503, "this node is not ready, try again"];
    if (name === undefined) {
      return dialects[dialect].traits.nameInRequest === "required"
        ? [400, "connect with a name: ws://host:port?name=you"]
        : undefined;
    }
    const refusal = chat.mayJoin(name);
    return refusal === undefined ? undefined : claimRefusal(refusal);
  }
}
