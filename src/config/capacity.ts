/** Settings of what one node takes on: connections, and bytes that wait for those who read slowly. */
import { integer, optionalInteger } from "./fields.js";

const MINUTE = 60_000;

export const connections = {
  MAX_CONNECTIONS: integer(
    1,
    1_000_000,
    100_000,
    "More connections to one node are refused (503); health is told all the same",
  ),
  MAX_CONNECTIONS_PER_ADDRESS: optionalInteger(
    1,
    1_000_000,
    1_000,
    "More connections of one address (IPv6: of a /64) to one node are refused (429); none: 1000 of a public address, any number of a private one, which may be a balancer's",
  ),
  MAX_UNNAMED_CONNECTIONS: integer(
    1,
    1_000_000,
    5_000,
    "While so many connections to one node have said no name yet, more without one are refused (503); of so many that have sent no request, the oldest are cut",
  ),
  HANDSHAKES_PER_SECOND: integer(
    1,
    1_000_000,
    500,
    "New connections and plain requests that one node takes up; more wait for their turn, up to five seconds, or are refused (503)",
  ),
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
