/** The gateway of a history: one session, with all that a session needs around it. */
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { WebSocketServer, type Server, type ServerOptions } from "ws";
import { Chat } from "#tertulia/chat/chat.js";
import type { Notice } from "#tertulia/chat/events.js";
import type { UserRecords } from "#tertulia/chat/own-data.js";
import type { Name } from "#tertulia/chat/names.js";
import { MAX_LISTED, createPolicy } from "#tertulia/chat/policy.js";
import type { BlockStore, UserStore } from "#tertulia/chat/ports.js";
import type { ModerationStore } from "#tertulia/chat/sanctions.js";
import { AnsweringSocket } from "#tertulia/gateway/answering-socket.js";
import { EventLog } from "#tertulia/gateway/event-log.js";
import { LINGER_MS } from "#tertulia/gateway/hang-up.js";
import { answerUpgrade, claimRefusal, shortestEcho } from "#tertulia/gateway/handshake.js";
import { Hub } from "#tertulia/gateway/hub.js";
import { Presence } from "#tertulia/gateway/presence.js";
import { QueueBudget } from "#tertulia/gateway/queue-budget.js";
import { ClaimLimits } from "#tertulia/gateway/claim-limits.js";
import { Turns } from "#tertulia/gateway/turns.js";
import { RequestLimits } from "#tertulia/limits/budget.js";
import type { Session, SessionDependencies } from "#tertulia/gateway/session.js";
import {
  hasHole,
  hasLeft,
  isSure,
  lingers,
  nameOf as nameIn,
  statusOf,
} from "#tertulia/session/questions.js";
import { watchEnd } from "#tertulia/gateway/tcp-acceptor.js";
import { OPEN } from "#tertulia/identity/open.js";
import type { Window, Gatherer } from "#tertulia/window.js";
import { dialects } from "../support/dialects.js";
import { ClientSocket } from "./client-socket.js";
import { fakeObserve } from "./fake-observe.js";
import type { ThrowsAt } from "./dialect-with-bug.js";
import { FakeStores } from "./fake-stores.js";
import type { Implementation, Protocol } from "./implementation.js";
import { TIME } from "./model-notation.js";
import type { Transcript } from "./transcript.js";

/** Of one session, its own limit comes first. */
const BUDGET = new QueueBudget(1_000_000_000);

export interface Settings {
  readonly protocol: Protocol;
  readonly name: Name | undefined;
  readonly isReplicated: boolean;
  readonly queueBytes: number;
  readonly perSecond: number;
  readonly throwsAt: ThrowsAt | undefined;
  /** How many others are connected. */
  readonly crowd: number;
}

/** Nobody has a role here: it is never asked. */
const NO_MODERATION = {} as ModerationStore;
const NO_BLOCKS = {} as BlockStore;

const PACE_CHECK_MS = 1_000;
const TEXT_MAX_CHARS = 20;

export class FakeGateway {
  readonly socket: ClientSocket;
  readonly stores: FakeStores;
  readonly hub: Hub;
  readonly session: Session;
  webSocket: AnsweringSocket | undefined;
  readonly #transcript: Transcript;
  readonly #settings: Settings;
  readonly #presence: Presence;
  readonly #events: EventLog;
  #queued: Gatherer[] = [];
  #queuedForAll: Gatherer[] = [];
  #queuedPresence: Gatherer[] = [];
  #pacing: NodeJS.Timeout | undefined;
  #state = { isInactive: false, hasHole: false, isPaused: false, isSure: false };

  constructor(transcript: Transcript, settings: Settings, make: Implementation) {
    const note = (line: string): void => transcript.note("node", line);
    this.#transcript = transcript;
    this.#settings = settings;
    this.stores = new FakeStores(transcript);
    this.socket = new ClientSocket((what) => transcript.note("client", `> ${what}`));
    const observe = fakeObserve(transcript);
    this.hub = new Hub(observe.counters, {
      presence: { queue: (writer) => void this.#queuedPresence.push(writer) },
      other: { queue: (writer) => void this.#queuedForAll.push(writer) },
    });
    const { log } = observe;
    this.#events = new EventLog(observe, { how: "plain", key: undefined });
    const { users, conversations } = this.stores;
    let mids = 0;
    const presenceSettings = { windowMs: 250, fullUpTo: 1_000 };
    this.#presence = new Presence(presenceSettings, {
      users: users as UserStore,
      hub: this.hub,
      log,
      isHearing: () => false, // so that recipients are looked up: one more answer that may be late
    });
    const chat = new Chat({
      users: users as UserStore,
      conversations,
      policy: createPolicy({ textMaxChars: TEXT_MAX_CHARS, privateHistory: "name" }),
      newMessageId: () => `m${++mids}`,
      presence: this.#presence,
      identity: OPEN,
      sanctions: { banOf: () => undefined, muteOf: () => undefined },
      moderation: NO_MODERATION,
      blocks: NO_BLOCKS,
      records: {} as UserRecords, // no history asks for them
      // each list is asked for: one more answer that may be late
      roster: {
        list: async () => (await users.roster(MAX_LISTED)).map(({ user }) => user),
        hear: () => {},
      },
      typing: { mayTell: () => true },
    });
    for (let i = 0; i < settings.crowd; i++) {
      const user = { name: `user${i}` as Name, status: "active" } as const;
      this.#presence.hear({ type: "presence", at: this.stores.nextAt(), user, cause: "new" });
    }
    const nameOf = (session: Session): Name => session.holder.name;
    const signOut = ({ holder, state }: Session): void => {
      note(`sign out ${this.stores.describe(holder)}${lingers(state) ? ", after a while" : ""}`);
    };
    const remove = (session: Session, mayHaveName: boolean): void => {
      note(`hub remove ${nameOf(session)}`);
      this.hub.remove(session, nameOf(session));
      if (mayHaveName) signOut(session);
    };
    const requestLimits = new RequestLimits({
      perSecond: settings.perSecond,
      perSecondOfAddress: 0,
    });
    const dependencies: SessionDependencies = {
      chat,
      presence: this.#presence,
      settings: {
        mustAwaitStore: settings.isReplicated,
        maxEarlyBytes: settings.queueBytes,
      },
      observe,
      events: this.#events,
      limits: { maxBytes: settings.queueBytes, maxStallMs: 15_000, budget: BUDGET },
      requestLimits,
      turns: new Turns(),
      claimLimits: new ClaimLimits(requestLimits, undefined),
      replyWindow: {
        queue: (writer: Gatherer) => void this.#queued.push(writer),
      } as unknown as Window,
      nowMs: () => TIME,
      onClaiming: (session) => {
        note(`hub add ${nameOf(session)}`);
        this.hub.add(session, nameOf(session));
      },
      onUnshared: (session) => this.hub.unshared(session),
      onUnclaimed: remove,
      mayBeFree: this.stores.mayBeFree,
      onLeft: (session) => {
        note(`hub release ${nameOf(session)}`);
        this.hub.release(session, nameOf(session));
      },
      onActive: (_session, kind) => note(`active: ${kind}`),
      onStatus: () => note("chooses its status"),
      onEnded: (session, ending) => {
        clearInterval(this.#pacing);
        note("ended");
        observe.counters.connections.dec({ dialect: session.dialect.name });
        this.#events.disconnected(session, ending);
        if (nameIn(session.state) !== undefined) remove(session, !hasLeft(session.state));
      },
    };
    const json = {
      node: "gw-1",
      textMaxChars: TEXT_MAX_CHARS,
      maxFrameBytes: 65_536,
      requestsPerSecond: settings.perSecond,
    };
    this.session = make(settings.protocol, { dependencies, json, throwsAt: settings.throwsAt });
    observe.counters.connections.inc({ dialect: this.session.dialect.name });
  }

  /** The upgrade, as the server does it once it has found nothing wrong with the request. */
  async upgrade(): Promise<void> {
    const { session, socket: client } = this;
    const { protocol, name } = this.#settings;
    const socket = client as unknown as Socket;
    socket.on("close", () => void session.end());
    socket.on("error", () => {});
    this.#pacing = setInterval(() => session.checkPace(performance.now()), PACE_CHECK_MS);
    let registered: "new" | "back" | "joined" | undefined;
    const isClaimed = session.dialect.traits.nameInRequest !== "introduced";
    if (isClaimed && name !== undefined) {
      const unwatch = watchEnd(socket, () => void session.end());
      const { outcome } = await session.claim(name);
      unwatch();
      if (outcome === "taken") return answerUpgrade(socket, [400, "this name is taken"]);
      if (outcome === "unavailable" || outcome === "bug") {
        return answerUpgrade(socket, [503, "unavailable"]);
      }
      if (outcome !== "new" && outcome !== "back" && outcome !== "joined") {
        return answerUpgrade(socket, claimRefusal(outcome));
      }
      registered = outcome;
    }
    this.#webSockets().handleUpgrade(requestOf(protocol), socket, NO_HEAD, (webSocket) => {
      this.webSocket = webSocket;
      session.attach(webSocket, socket);
      if (registered === undefined) this.#events.opened(session, undefined);
      else this.#events.connected(session, registered, { address: undefined });
      if (!isClaimed && name !== undefined) session.introduce(name);
    });
  }

  /** As the feed tells all rooms. */
  hear(notice: Notice): void {
    if (notice.type === "presence") this.#presence.hear(notice);
    this.hub.deliver(notice);
  }

  /** Writes what was queued in this turn or, if nothing was, what waits for a window. Returns whether there was anything. */
  flush(): boolean {
    const waiting = [this.#queued, this.#queuedForAll, this.#queuedPresence];
    const queued = waiting.find(({ length }) => length > 0);
    for (const writer of queued?.splice(0) ?? []) writer.flush();
    return queued !== undefined;
  }

  /** Notes what has changed in what others see of the session. */
  look(): void {
    const { state } = this.session;
    const now = {
      isInactive: statusOf(state) === "inactive",
      hasHole: hasHole(state),
      isPaused: this.webSocket?.isPaused === true,
      isSure: isSure(state),
    };
    const note = (line: string): void => this.#transcript.note("state", line);
    const before = this.#state;
    this.#state = now;
    if (now.isInactive !== before.isInactive) note(now.isInactive ? "inactive" : "not inactive");
    if (now.hasHole && !before.hasHole) note("has a hole");
    if (now.isPaused !== before.isPaused) note(now.isPaused ? "reads no more" : "reads on");
    if (now.isSure !== before.isSure)
      note(now.isSure ? "sure of its name" : "not sure of its name");
  }

  close(): void {
    clearInterval(this.#pacing);
    this.#presence.close();
  }

  #webSockets(): Server<typeof AnsweringSocket> {
    const options: ServerOptions<typeof AnsweringSocket> & { closeTimeout: number } = {
      WebSocket: AnsweringSocket,
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: 65_536,
      closeTimeout: LINGER_MS,
      handleProtocols: (offered) => shortestEcho(offered),
      skipUTF8Validation: this.session.dialect.frames !== "text",
    };
    return new WebSocketServer(options);
  }
}

const NO_HEAD = Buffer.alloc(0);

function requestOf(protocol: Protocol): IncomingMessage {
  const { offer } = dialects[protocol];
  const headers = {
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    "sec-websocket-version": "13",
    ...(offer !== undefined && { "sec-websocket-protocol": offer }),
  };
  return { method: "GET", headers } as unknown as IncomingMessage;
}
