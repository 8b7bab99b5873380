/** Who is connected. The subscription is renewed after each reconnect. */
import type { Events } from "../../wire/json-schema.js";
import type { PresenceChange, PresenceView, Status } from "./events.js";
import type { ClientRequest, Ok } from "./connection.js";
import type { RequestQueue } from "./request-queue.js";
import { checkNames } from "./argument-checks.js";
import { PresenceMap } from "./presence-map.js";

const LANE = "presence";

export class Presence implements PresenceView {
  readonly #map = new PresenceMap();
  readonly #requests: RequestQueue;
  readonly #onChange: (change: PresenceChange) => void;
  #watched: readonly string[] | undefined;
  #subscribing = 0;

  constructor(requests: RequestQueue, onChange: (change: PresenceChange) => void) {
    this.#requests = requests;
    this.#onChange = onChange;
  }

  get people(): ReadonlyMap<string, Status> {
    return this.#map.people;
  }

  get count(): number {
    return this.#map.count;
  }

  get isFull(): boolean {
    return this.#map.isFull;
  }

  async watch(
    names: readonly string[] = [],
    options: { signal?: AbortSignal } = {},
  ): Promise<void> {
    checkNames(names);
    await this.#subscribe(names, options.signal);
  }

  async off({ signal }: { signal?: AbortSignal } = {}): Promise<void> {
    this.#watched = undefined;
    await this.#requests.send({ request: { type: "presence", off: true }, lane: LANE, signal });
  }

  /** The server keeps a subscription per connection: a new one needs it again. */
  async renew(): Promise<void> {
    if (this.#watched && this.#subscribing === 0) await this.#subscribe(this.#watched);
  }

  onEvent({ count, full, snapshot = false, set = [], gone = [] }: Events["presence"]): void {
    if (!this.#watched) return;
    this.#onChange(this.#map.apply({ count, full, isSnapshot: snapshot, set, gone }));
  }

  async #subscribe(names: readonly string[], signal?: AbortSignal): Promise<void> {
    this.#watched = names;
    this.#subscribing++;
    const onAnswer = ({ count = 0, full = true, set = [] }: Ok): void => {
      this.#map.watched = new Set(names);
      this.#onChange(this.#map.apply({ count, full, isSnapshot: true, set, gone: [] }));
    };
    const request: ClientRequest = { type: "presence", watch: [...names] };
    try {
      await this.#requests.send({ request, lane: LANE, isRetried: true, signal, onAnswer });
    } finally {
      this.#subscribing--;
    }
  }
}
