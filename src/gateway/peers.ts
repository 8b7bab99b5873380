/** Peers: the other gateways of the cluster, found by DNS and asked whether they serve. */
import { lookup } from "node:dns/promises";
import { get } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import type { Others } from "./isolation-detector.js";

/** Where a gateway may be: an address or a name, which may stand for many. */
export interface Place {
  readonly host: string;
  readonly port: number;
}

/**
 * ready: it serves. there: it does not, or nobody listens, or it hangs up (it is full). silent: nothing came in
 * time. self: it is this gateway.
 */
type Answer = "ready" | "there" | "silent" | "self";

/** Tells which gateway answers at `/readyz`: one that asks all addresses of a name asks itself as well. */
export const NODE_HEADER = "x-tertulia-node";
/** One that serves is enough; with many gateways, these are some of them. */
const ASKED_AT_ONCE = 8;
const ANSWERS_WITHIN_MS = 1_000;
/** Errors that some machine within reach has answered with. */
const WITHIN_REACH = /^(?:ECONNREFUSED|ECONNRESET|EPIPE|HPE_)/;
/** The system's own resolver may try for half a minute: it goes on meanwhile, what was known is asked. */
const RESOLVED_WITHIN_MS = 1_500;

/** `host:port,[::1]:port` of the setting PEERS, which has been checked. */
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
  /** What each place stood for when that could be resolved last. */
  readonly #known = new Map<Place, readonly Place[]>();
  readonly #resolving = new Map<Place, Promise<void>>();
  /** Who answered as ready last: asked first. */
  #served: ReadonlySet<string> = new Set();
  /** Whether any other gateway ever answered: else silence may be a setting or a firewall. */
  #wasHeard = false;

  /** @param self what this gateway says of itself at `/readyz` */
  constructor(places: readonly Place[], self: string) {
    this.#places = places;
    this.#self = self;
  }

  /** Whether there is anybody to ask; this gateway itself counts. */
  get areKnown(): boolean {
    return [...this.#known.values()].some((places) => places.length > 0);
  }

  /** Asks some of the others, those first that served last. Takes three seconds at most. */
  async ask(): Promise<Others> {
    await Promise.race([
      Promise.all(this.#places.map((place) => this.#resolve(place))),
      pause(RESOLVED_WITHIN_MS, undefined, { ref: false }),
    ]);
    const asked = this.#choose();
    const answers = await Promise.all(asked.map((place) => answerOf(place, this.#self)));
    const served = asked.filter((_, i) => answers[i] === "ready");
    if (served.length > 0) this.#served = new Set(served.map(keyOf));
    const isHeard = answers.some((answer) => answer === "ready" || answer === "there");
    this.#wasHeard ||= isHeard;
    if (served.length > 0) return "serving";
    const isSilent = !isHeard && this.#wasHeard && answers.includes("silent");
    return isSilent ? "silent" : "waiting";
  }

  #choose(): Place[] {
    const all = new Map([...this.#known.values()].flat().map((place) => [keyOf(place), place]));
    return [...all]
      .map(([key, place]) => ({ place, rank: this.#served.has(key) ? -1 : Math.random() }))
      .toSorted((a, b) => a.rank - b.rank)
      .slice(0, ASKED_AT_ONCE)
      .map(({ place }) => place);
  }

  /** One at a time; what fails leaves what was known. */
  #resolve(place: Place): Promise<void> {
    const resolving =
      this.#resolving.get(place) ??
      this.#lookUp(place)
        .catch(() => {}) // whoever is asked in vain then is silent, and that is seen
        .finally(() => this.#resolving.delete(place));
    this.#resolving.set(place, resolving);
    return resolving;
  }

  async #lookUp(place: Place): Promise<void> {
    const found = await lookup(place.host, { all: true });
    this.#known.set(
      place,
      found.map(({ address }) => ({ host: address, port: place.port })),
    );
  }
}

function keyOf({ host, port }: Place): string {
  return `${host} ${port}`;
}

function answerOf({ host, port }: Place, self: string): Promise<Answer> {
  const signal = AbortSignal.timeout(ANSWERS_WITHIN_MS);
  return new Promise((resolve) => {
    const request = get({ host, port, path: "/readyz", agent: false, signal }, (response) => {
      response.destroy();
      if (response.headers[NODE_HEADER] === self) resolve("self");
      else resolve(response.statusCode === 200 ? "ready" : "there");
    });
    request.on("error", ({ code = "" }: NodeJS.ErrnoException) => {
      resolve(WITHIN_REACH.test(code) ? "there" : "silent");
    });
  });
}
