/** A run's history, indexed as the rules need it: by message, by session, by conversation. */
import type { Position } from "#tertulia/chat/events.js";
import type { Entry } from "../history.js";

/** A message as it is stored. */
export interface Stored {
  readonly conv: string;
  readonly seq: number;
  readonly epoch: number;
  readonly author: string;
  readonly id: string;
}

/** An event as a Redis server published it: when, at which position, with which content. */
export interface Published {
  readonly t: number;
  readonly bucket: number;
  readonly generation: number;
  readonly offset: number;
  readonly digest: string;
  /** Undefined if the event was not a message. */
  readonly message: Stored | undefined;
}

/** A gateway reported that events up to a position are missing from a bucket's log. */
export interface Report {
  readonly t: number;
  readonly gateway: number;
  readonly bucket: number;
  readonly after: Position;
  /** All events behind this position, up to `after`, were taken back, in all generations; undefined if unknown. */
  readonly kept?: Position | undefined;
  readonly reason: string;
}

/** What Redis holds when all is quiet, and what Redis published and gateways logged until then. */
export interface Truth {
  readonly messages: readonly Stored[];
  /** Names that count as connected. */
  readonly connected: readonly string[];
  /** Which gateway began to lead with which token, in the order of time. */
  readonly terms: readonly { readonly token: string; readonly gateway: number }[];
  readonly events: readonly Published[];
  readonly reports: readonly Report[];
}

export type AckLevel = "fast" | "replicated";

export interface RunHistory {
  readonly entries: readonly Entry[];
  readonly truth: Truth;
  /** Sessions open when all was quiet, by name. */
  readonly open: ReadonlyMap<string, number>;
  /** `fast`: a failover may lose what was acknowledged, if it is announced. */
  readonly ack: AckLevel;
  /** How many replicas must have what is acknowledged, in `replicated`. */
  readonly ackReplicas: number;
}

export interface Message {
  readonly id: string;
  readonly conv: string;
  readonly session: number;
  readonly invokedAt: number;
  outcome?: "ok" | "fail" | "unknown";
  answeredAt?: number;
}

/** The SDK connects to any of them. */
export const ANY_GATEWAY = -1;

export interface Session {
  readonly number: number;
  readonly name: string;
  readonly gateway: number;
  readonly openedAt: number;
  closedAt: number;
  readonly heard: { id: string; conv: string; t: number }[];
}

export class Index {
  readonly run: RunHistory;
  readonly messages = new Map<string, Message>();
  readonly sessions = new Map<number, Session>();
  readonly stored = new Map<string, Stored>();
  readonly storedTwice: string[] = [];
  readonly byConv = new Map<string, Stored[]>();

  constructor(run: RunHistory) {
    this.run = run;
    for (const entry of run.entries) this.#take(entry);
    for (const message of run.truth.messages) {
      if (this.stored.has(message.id)) this.storedTwice.push(message.id);
      this.stored.set(message.id, message);
      const conv = this.byConv.get(message.conv) ?? [];
      this.byConv.set(message.conv, conv);
      conv.push(message);
    }
    for (const messages of this.byConv.values()) messages.sort((a, b) => a.seq - b.seq);
  }

  #take(entry: Entry): void {
    switch (entry.kind) {
      case "open": {
        const { session: number, name, gateway, t } = entry;
        const session = { number, name, gateway, openedAt: t, closedAt: Infinity, heard: [] };
        this.sessions.set(number, session);
        return;
      }
      case "closed":
        this.sessions.get(entry.session)!.closedAt = entry.t;
        return;
      case "invoke": {
        const { id, conv, session, t } = entry;
        this.messages.set(id, { id, conv, session, invokedAt: t });
        return;
      }
      case "ok":
      case "fail":
      case "unknown":
        Object.assign(this.messages.get(entry.id)!, { outcome: entry.kind, answeredAt: entry.t });
        return;
      case "heard":
        this.sessions
          .get(entry.session)!
          .heard.push({ id: entry.id, conv: entry.conv, t: entry.t });
        return;
      case "presence":
      case "unanswered":
      case "theft":
      case "fault":
      case "down":
      case "healed":
        return;
      default:
        entry satisfies never;
    }
  }
}
