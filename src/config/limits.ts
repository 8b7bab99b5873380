/** How much clients may ask for: the fields of the configuration. */
import { integer, optionalInteger } from "./fields.js";

export const requestLimits = {
  MAX_FRAME_BYTES: integer(1_024, 1_048_576, 65_536, "A larger frame closes the connection (1009)"),
  TEXT_MAX_CHARS: integer(1, 65_536, 4_096, "JSON: a longer text is refused"),
  REQUESTS_PER_SECOND: integer(
    1,
    100_000,
    50,
    "Of one connection; a list or a history counts for several. JSON: more are refused; bytes: more wait. A user has twice as many for all devices",
  ),
  ADDRESS_REQUESTS_PER_SECOND: optionalInteger(
    0,
    1_000_000,
    2_000,
    "Of all connections of one address (IPv6: of a /64) to one node; two a second of each are always left to it; 0 for no limit; none: 2000 of a public address, any number of a private one, which may be a balancer's",
  ),
  NEW_NAMES_PER_MINUTE: optionalInteger(
    1,
    1_000_000,
    60,
    "More names that were never used before are refused (429) to one address (IPv6: to a /64) by one node, after five minutes' worth at once; none: 60 of a public address, any number of a private one, which may be a balancer's",
  ),
};
