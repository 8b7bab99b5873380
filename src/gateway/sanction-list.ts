/** All sanctions of one moment, arranged for questions. */
import { BlockList, isIPv6 } from "node:net";
import type { Name } from "../chat/names.js";
import type { Sanction, SanctionsAt } from "../chat/sanctions.js";

interface BannedRange {
  readonly range: BlockList;
  readonly ban: Sanction;
}

export class SanctionList {
  readonly version: string;
  readonly #bans = new Map<Name, Sanction>();
  readonly #mutes = new Map<Name, Sanction>();
  readonly #kicks = new Map<Name, Sanction>();
  readonly #ranges: BannedRange[] = [];
  /** All banned ranges in one: most addresses are in none. */
  readonly #anyRange = new BlockList();

  constructor({ version, sanctions }: SanctionsAt) {
    this.version = version;
    for (const sanction of sanctions) this.#add(sanction);
  }

  /** @param nowMs by Redis' clock, in ms since 1970 */
  banOf(name: Name, nowMs: number): Sanction | undefined {
    return inForce(this.#bans.get(name), nowMs);
  }

  muteOf(name: Name, nowMs: number): Sanction | undefined {
    return inForce(this.#mutes.get(name), nowMs);
  }

  banOfAddress(address: string | undefined, nowMs: number): Sanction | undefined {
    if (address === undefined || !isIn(this.#anyRange, address)) return undefined;
    for (const { range, ban } of this.#ranges) {
      if (isIn(range, address) && inForce(ban, nowMs) !== undefined) return ban;
    }
    return undefined;
  }

  /** The kick of this name, if the other list does not have it yet. */
  newKickOf(name: Name, before: SanctionList): Sanction | undefined {
    const kick = this.#kicks.get(name);
    return kick !== undefined && kick.atMs !== before.#kicks.get(name)?.atMs ? kick : undefined;
  }

  #add(sanction: Sanction): void {
    const { kind, target } = sanction;
    if (target.kind === "addresses") {
      const range = new BlockList();
      if (kind !== "ban" || !addRange(range, target.range)) return;
      addRange(this.#anyRange, target.range);
      this.#ranges.push({ range, ban: sanction });
      return;
    }
    const of = { ban: this.#bans, mute: this.#mutes, kick: this.#kicks }[kind];
    of.set(target.name, sanction);
  }
}

function inForce(sanction: Sanction | undefined, nowMs: number): Sanction | undefined {
  return (sanction?.untilMs ?? Infinity) > nowMs ? sanction : undefined;
}

/** Returns false if it is none: it comes from Redis. */
function addRange(list: BlockList, text: string): boolean {
  const [address = "", bits] = text.split("/");
  const family = isIPv6(address) ? "ipv6" : "ipv4";
  try {
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
    return true;
  } catch {
    return false; // logged by nobody: whoever bans is told before it is stored
  }
}

function isIn(list: BlockList, address: string): boolean {
  return list.check(address, isIPv6(address) ? "ipv6" : "ipv4");
}
