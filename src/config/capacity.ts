/** Settings of what one node takes on: connections, and bytes that wait for those who read slowly. */
import { integer } from "./fields.js";

const MINUTE = 60_000;

export const connections = {
  MAX_CONNECTIONS: integer(1, 1_000_000, 100_000, "More connections to one node are dropped"),
};

export const readers = {
  QUEUE_MAX_BYTES: integer(4_096, 268_435_456, 1_048_576, "A reader with more unsent bytes is cut"),
  MAX_QUEUED_BYTES: integer(
    65_536,
    68_719_476_736,
    268_435_456,
    "With more unsent bytes for all readers of a node together, those with the most are cut",
  ),
  QUEUE_STALL_MS: integer(
    1_000,
    10 * MINUTE,
    15_000,
    "A reader that takes nothing for this long is cut",
  ),
};
