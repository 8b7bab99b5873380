/** Peers: the other gateways of the cluster, found by DNS and asked whether they serve. */
import { lookup } from "node:dns/promises";
import { get, type IncomingMessage } from "node:http";
import { get as getByTls } from "node:https";
import { setTimeout as pause } from "node:timers/promises";
import type { Others } from "./isolation-detector.js";

/** Where gateways may be: an address, or a host name that may resolve to many. */
export interface Place {
  readonly host: string;
  readonly port: number;
}

/**
 * ready: it serves. there: it does not serve, nobody listens there, or it hangs up (it is full). silent: no answer
 * came in time. self: it is this gateway.
 */
type Answer = "ready" | "there" | "silent" | "self";

/** Tells which gateway answers at `/readyz`: a gateway that asks all addresses of a host name asks itself, too. */
export const NODE_HEADER = "x-tertulia-node";
/** With more gateways than this, only some are asked: one that serves is enough. */
const ASKED_AT_ONCE = 8;
const ANSWERS_WITHIN_MS = 1_000;
/** Errors that prove that a machine has answered, perhaps without TLS or with it: while that changes, some do. */
const ANSWERED = /^(?:ECONNREFUSED|ECONNRESET|EPIPE|HPE_|EPROTO|ERR_SSL_)/;
/** The system's resolver may try for half a minute. After this, the addresses known before are asked meanwhile. */
const RESOLVED_WITHIN_MS = 1_500;

/** Parses the setting PEERS, `host:port,[::1]:port`, which has been validated. */
export function placesOf(peers: string): Place[] {
  return peers.split(",").map((each) => {
    const place = each.trim();
    const colon = place.lastIndexOf(":");
    const host = place.slice(0, colon).replace(/^\[(.*)\]$/, "$1");
    return { host, port: Number(place.slice(colon + 1)) };
  });
}

export class Peers {
  readonly #places: readonly Place[];
  readonly #self: string;
  readonly #isTls: boolean;
  /** The addresses that each place had when it was resolved last. */
  readonly #addresses = new Map<Place, readonly Place[]>();
  readonly #resolving = new Map<Place, Promise<void>>();
  /** The places that were ready last time: they are asked first. */
  #served: ReadonlySet<string> = new Set();
  /** Whether any other gateway ever answered. If none did, a wrong setting or a firewall may explain the silence. */
  #hasAnswered = false;

  /** @param self the id that this gateway gives at `/readyz` @param isTls whether gateways speak TLS */
  constructor(places: readonly Place[], self: string, isTls = false) {
    this.#places = places;
    this.#self = self;
    this.#isTls = isTls;
  }

  /** Whether any address is known; this gateway's own counts. */
  get areKnown(): boolean {
    return [...this.#addresses.values()].some((places) => places.length > 0);
  }

  /** Asks some of the others, first those that served last time. Takes three seconds at most. */
  async ask(): Promise<Others> {
    await Promise.race([
      Promise.all(this.#places.map((place) => this.#resolve(place))),
      pause(RESOLVED_WITHIN_MS, undefined, { ref: false }),
    ]);
    const asked = this.#choose();
    const answers = await Promise.all(asked.map((place) => this.#answerOf(place)));
    const served = asked.filter((_, i) => answers[i] === "ready");
    if (served.length > 0) this.#served = new Set(served.map(keyOf));
    const isHeard = answers.some((answer) => answer === "ready" || answer === "there");
    this.#hasAnswered ||= isHeard;
    if (served.length > 0) return "serving";
    const isSilent = !isHeard && this.#hasAnswered && answers.includes("silent");
    return isSilent ? "silent" : "waiting";
  }

  #choose(): Place[] {
    const all = new Map([...this.#addresses.values()].flat().map((place) => [keyOf(place), place]));
    return [...all]
      .map(([key, place]) => ({ place, rank: this.#served.has(key) ? -1 : Math.random() }))
      .toSorted((a, b) => a.rank - b.rank)
      .slice(0, ASKED_AT_ONCE)
      .map(({ place }) => place);
  }

  /** Resolves a place, once at a time. If that fails, the addresses known before stay. */
  #resolve(place: Place): Promise<void> {
    const resolving =
      this.#resolving.get(place) ??
      this.#lookUp(place)
        .catch(() => {}) // addresses that are wrong by now do not answer, which counts as silent
        .finally(() => this.#resolving.delete(place));
    this.#resolving.set(place, resolving);
    return resolving;
  }

  async #lookUp(place: Place): Promise<void> {
    const found = await lookup(place.host, { all: true });
    this.#addresses.set(
      place,
      found.map(({ address }) => ({ host: address, port: place.port })),
    );
  }

  #answerOf({ host, port }: Place): Promise<Answer> {
    const signal = AbortSignal.timeout(ANSWERS_WITHIN_MS);
    const options = { host, port, path: "/readyz", agent: false, signal };
    return new Promise((resolve) => {
      const hear = (response: IncomingMessage): void => {
        response.destroy();
        if (response.headers[NODE_HEADER] === this.#self) resolve("self");
        else resolve(response.statusCode === 200 ? "ready" : "there");
      };
      // certificates are for the clients' host name, and gateways are asked by address: nothing secret is said or heard
      const request = this.#isTls
        ? getByTls({ ...options, rejectUnauthorized: false }, hear)
        : get(options, hear);
      request.on("error", ({ code = "" }: NodeJS.ErrnoException) => {
        resolve(ANSWERED.test(code) ? "there" : "silent");
      });
    });
  }
}

function keyOf({ host, port }: Place): string {
  return `${host} ${port}`;
}
