/** How many connections a node takes in: in all, of one address, and without a name. Told before the handshake. */
import type { Socket } from "node:net";
import { addressKey } from "../limits/address-key.js";
import { isPrivate } from "./client-address.js";
import type { UpgradeRefusal } from "./handshake.js";

export interface CapSettings {
  readonly maxConnections: number;
  /** Of any one address; undefined: of a public one as many as {@link OF_PUBLIC}, of a private one any number. */
  readonly maxPerAddress: number | undefined;
  readonly maxUnnamed: number;
}

/** How many there are now. */
export interface Counts {
  /** All connections. */
  readonly open: number;
  /** Those of them that speak, and have no name yet. */
  readonly unnamed: number;
}

/** A school behind one address. */
const OF_PUBLIC = 1_000;
/** When a client may try again. */
export const RETRY_AFTER_S = 5;

export class ConnectionCaps {
  readonly #settings: CapSettings;
  readonly #counts: () => Counts;
  /** Of those addresses that are counted. */
  readonly #ofAddress = new Map<string, number>();
  readonly #addresses = new Map<Socket, string>();

  constructor(settings: CapSettings, counts: () => Counts) {
    this.#settings = settings;
    this.#counts = counts;
  }

  /**
   * Counts a connection, unless there is no room: then it tells how it is refused.
   *
   * @param address the client's. Balancers have private ones: theirs are not counted, for they stand for many
   * @param naming whether it claims a name before its upgrade is answered: then the cap on those without one is not asked
   */
  take(
    socket: Socket,
    address: string | undefined,
    naming: "claims" | "nameless",
  ): UpgradeRefusal | undefined {
    const { maxConnections, maxPerAddress, maxUnnamed } = this.#settings;
    const { open, unnamed } = this.#counts();
    if (open > maxConnections) return [503, "this node is full, try another", RETRY_AFTER_S];
    if (naming === "nameless" && unnamed >= maxUnnamed)
      return [503, "too many are about to say their names, try again", RETRY_AFTER_S];
    const isCounted = maxPerAddress !== undefined || !isPrivate(address);
    if (!isCounted || address === undefined) return undefined;
    const key = addressKey(address);
    const count = this.#ofAddress.get(key) ?? 0;
    if (count >= (maxPerAddress ?? OF_PUBLIC))
      return [
        429,
        "your address has too many connections (MAX_CONNECTIONS_PER_ADDRESS)",
        RETRY_AFTER_S,
      ];
    this.#ofAddress.set(key, count + 1);
    this.#addresses.set(socket, key);
    return undefined;
  }

  /** To be called when a connection is gone, whether it was counted or not. */
  leave(socket: Socket): void {
    const key = this.#addresses.get(socket);
    if (key === undefined) return;
    this.#addresses.delete(socket);
    const count = this.#ofAddress.get(key)! - 1;
    if (count === 0) this.#ofAddress.delete(key);
    else this.#ofAddress.set(key, count);
  }
}
