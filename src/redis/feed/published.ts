/** Reads what was published on the channel of a bucket's log, whoever published it. */
import type { EphemeralEvent, Notice, Position } from "../../chat/events.js";
import { DamagedValue } from "../damage.js";
import {
  decodeEphemeral,
  decodeEvent,
  eventsOf,
  isEphemeral,
  isKnown,
  positionOf,
} from "../events.js";

/** An event of the log. Without a notice: a later release wrote it, and this one does not know its kind. */
export interface HeardEvent {
  readonly at: Position;
  readonly notice: Notice | undefined;
}

export type Published =
  | { readonly kind: "ephemeral"; readonly notice: EphemeralEvent }
  | { readonly kind: "logged"; readonly events: readonly HeardEvent[] };

/** A generation is a time of Redis, or follows one; clocks do not differ by more than this. */
const FAR_MS = 366 * 24 * 60 * 60 * 1_000;

/**
 * All of it is read before any of it counts: an event whose record is damaged would otherwise be passed over in silence.
 *
 * @param newest position that is known in the bucket
 * @throws DamagedValue
 */
export function readPublished(bytes: Buffer, newest: Position): Published {
  if (isEphemeral(bytes)) return { kind: "ephemeral", notice: decodeEphemeral(bytes) };
  return { kind: "logged", events: eventsOf(bytes).map((event) => heardOf(event, newest)) };
}

/** @throws DamagedValue */
export function heardOf(event: Buffer, newest: Position): HeardEvent {
  const at = positionOf(event);
  if (isFar(at, newest)) throw new DamagedValue("a position is out of range");
  return { at, notice: isKnown(event) ? decodeEvent(event, at) : undefined };
}

/** Whether no event of a bucket can be there yet. If it were believed, all later ones would have to follow it. */
function isFar({ generation }: Position, newest: Position): boolean {
  return generation > Math.max(Date.now(), newest.generation) + FAR_MS;
}
