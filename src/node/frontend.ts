/** The frontend of a node: the chat, and what serves it to clients. Built here, started by node.ts. */
import { hostname } from "node:os";
import { nanoid } from "nanoid";
import { Chat } from "../chat/chat.js";
import { MAX_LISTED, createPolicy } from "../chat/policy.js";
import { Audit } from "../cluster/audit.js";
import { membershipPolicy } from "../cluster/membership.js";
import type { Config } from "../config.js";
import { tlsFiles } from "../config/client-port.js";
import { EventLog } from "../gateway/event-log.js";
import { Evictor } from "../gateway/evictor.js";
import { Hub } from "../gateway/hub.js";
import { IdleTracker } from "../gateway/idle-tracker.js";
import { IsolationMonitor } from "../gateway/isolation-monitor.js";
import { Moderator } from "../gateway/moderator.js";
import { NameContests } from "../gateway/name-contests.js";
import { noticeRouter } from "../gateway/notice-router.js";
import { Peers, placesOf } from "../gateway/peers.js";
import { Presence } from "../gateway/presence.js";
import { ClaimLimits } from "../gateway/claim-limits.js";
import { Gateway } from "../gateway/server.js";
import { SharedRoster } from "../gateway/shared-roster.js";
import { QueueBudget } from "../gateway/queue-budget.js";
import { SignOutQueue } from "../gateway/sign-out-queue.js";
import type { StaticSite } from "../gateway/static-site.js";
import { Turns } from "../gateway/turns.js";
import { broadcastWindow, presenceWindow } from "../gateway/write-coalescer.js";
import { RequestLimits } from "../limits/budget.js";
import { inRoom, type Observe } from "../observe.js";
import { BUCKETS } from "../redis/keys.js";
import { lingers } from "../session/questions.js";
import { Window } from "../window.js";
import { classicDialect } from "../wire/classic.js";
import { jsonDialect } from "../wire/json-dialect.js";
import { wsProtocolDialect } from "../wire/ws-protocol.js";
import type { Backend } from "./backend.js";
import { createIdentity } from "./identity.js";

/** Presence is rolled up over this. PROTOCOL.md, presence. */
const PRESENCE_WINDOW_MS = 250;

export type Frontend = ReturnType<typeof createFrontend>;

export function createFrontend(
  config: Config,
  observe: Observe,
  backend: Backend,
  site: StaticSite | undefined,
) {
  const { users, conversations, moderation, sanctions, feed, heartbeat, election, readiness } =
    backend;
  const logOf = (room: string) => inRoom(observe, room).log;
  const hub: Hub = new Hub(observe.counters, {
    presence: new Window(presenceWindow),
    other: new Window(broadcastWindow(() => hub.sessions.size)),
  });
  const presence = new Presence(
    { windowMs: PRESENCE_WINDOW_MS, fullUpTo: config.PRESENCE_FULL_UP_TO },
    { users, hub, log: logOf("presence"), isHearing: () => readiness.isReady },
  );
  const moderator = new Moderator({
    store: sanctions,
    log: logOf("moderator"),
    nowMs: () => heartbeat.clock.nowMs,
    sessions: () => gateway.sessions,
  });
  const roster = new SharedRoster(users, MAX_LISTED);
  const requestLimits = new RequestLimits({
    perSecond: config.REQUESTS_PER_SECOND,
    perSecondOfAddress: config.ADDRESS_REQUESTS_PER_SECOND,
  });
  const identity = createIdentity(config, backend.accounts, () => heartbeat.clock.nowMs);
  const chat = new Chat({
    users,
    conversations,
    policy: createPolicy({
      textMaxChars: config.TEXT_MAX_CHARS,
      namePattern: config.NAME_PATTERN,
      privateHistory: config.PRIVATE_HISTORY,
    }),
    newMessageId: () => nanoid(16),
    presence,
    identity,
    sanctions: moderator,
    moderation,
    blocks: backend.blocks,
    roster,
    records: backend.records,
    typing: { mayTell: (author) => requestLimits.mayTellTyping(author, performance.now()) },
  });
  const idleTracker = new IdleTracker(chat, logOf("idle-tracker"));
  const signOuts = new SignOutQueue(chat, logOf("sign-out-queue"));
  const audit = new Audit(users, BUCKETS, {
    isHeld: (name) => hub.has(name),
    isSigningOut: (name) => signOuts.has(name),
    sessionsOf: (name) => [...hub.named(name)].map(({ holder }) => holder.id),
  });
  const contests = new NameContests({
    chat,
    hub,
    signOuts,
    audit,
    log: logOf("name-contests"),
  });
  const events = new EventLog(inRoom(observe, "gateway"), {
    how: config.LOG_NAMES,
    key: config.LOG_NAMES_KEY,
  });
  const classicOptions = {
    generalOrigin: config.GENERAL_ORIGIN,
    showsAddress: config.CLASSIC_ADDRESSES === "shown",
    replyMaxBytes: config.CLASSIC_REPLY_MAX_BYTES,
  };
  const wsProtocol = wsProtocolDialect(classicOptions);
  const id = nanoid(12);
  const gateway: Gateway = new Gateway(
    {
      host: config.HOST,
      port: config.PORT,
      maxFrameBytes: config.MAX_FRAME_BYTES,
      maxConnections: config.MAX_CONNECTIONS,
      maxPerAddress: config.MAX_CONNECTIONS_PER_ADDRESS,
      maxUnnamed: config.MAX_UNNAMED_CONNECTIONS,
      handshakesPerSecond: config.HANDSHAKES_PER_SECOND,
      trustedProxies: config.TRUSTED_PROXIES,
      pages: { allowedOrigins: config.ALLOWED_ORIGINS, machine: hostname() },
      tls: tlsFiles(config),
      mustAwaitStore: config.ACK_LEVEL === "replicated",
      keepsAddresses: classicOptions.showsAddress,
      sendQueue: {
        maxBytes: config.QUEUE_MAX_BYTES,
        maxStallMs: config.QUEUE_STALL_MS,
        budget: new QueueBudget(config.MAX_QUEUED_BYTES),
      },
    },
    {
      chat,
      hub,
      presence,
      observe: inRoom(observe, "gateway"),
      events,
      dialects: {
        classic: classicDialect(classicOptions, wsProtocol),
        wsProtocol,
        json: jsonDialect({
          node: config.NODE_NAME,
          textMaxChars: config.TEXT_MAX_CHARS,
          maxFrameBytes: config.MAX_FRAME_BYTES,
          requestsPerSecond: config.REQUESTS_PER_SECOND,
        }),
      },
      requestLimits,
      claimLimits: new ClaimLimits(requestLimits, config.NEW_NAMES_PER_MINUTE),
      turns: new Turns(),
      onActive: (session, kind) => idleTracker.note(session, kind),
      onStatus: (session) => idleTracker.forget(session),
      mayBeFree: (name) => contests.mayBeFree(name),
      onLeft: ({ holder, state }) =>
        signOuts.signOut(holder, lingers(state) ? config.PRESENCE_LINGER_MS : 0),
      isReady: () => readiness.isReady,
      bans: {
        banOfAddress: (address) => moderator.banOfAddress(address),
        // else it is told to whoever has proved the name
        banOf: (name) => (identity.provesNames ? undefined : moderator.banOf(name)),
      },
      id,
      nowMs: () => heartbeat.clock.nowMs,
      site,
    },
  );
  const evictor = new Evictor(gateway.sessions, observe.counters);
  const servesOrStops = (): boolean => readiness.isReady || !gateway.isOpen;
  const isolation =
    config.PEERS === undefined
      ? undefined
      : new IsolationMonitor({
          peers: new Peers(placesOf(config.PEERS), id, config.TLS_CERT !== undefined),
          log: logOf("isolation-monitor"),
          isReady: servesOrStops,
          sessions: () => evictor.remaining,
          letGo: () => evictor.whileAlone(servesOrStops),
        });
  const deliver = noticeRouter({
    hub,
    presence,
    roster,
    unanswered: requestLimits.unanswered,
    contests,
    evictor,
    events,
    isOverdue: () => heartbeat.isOverdue,
    isLeading: () => election.token !== undefined,
  });
  const membership = membershipPolicy({
    feed,
    audit,
    reclaimNames: (mayBeOlder) => hub.reclaim(mayBeOlder),
    noteActivity: () => idleTracker.flush(),
    countReplicas: backend.countReplicas,
    observe,
  });
  observe.counters.clientCertificateEnd.read = () => gateway.certificateEnd;
  observe.counters.queuedBytes.read = () => gateway.queuedBytes;
  observe.counters.ready.read = () => (readiness.isReady && gateway.isOpen ? 1 : 0);
  return { hub, presence, signOuts, moderator, gateway, isolation, membership, deliver };
}
