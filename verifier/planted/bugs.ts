/** All planted bugs, by name. */
import type { Bug } from "./bug.js";
import { BUGS_OF_FEED } from "./bugs-of-feed.js";
import { BUGS_OF_IDENTITY } from "./bugs-of-identity.js";
import { BUGS_OF_MESSAGES } from "./bugs-of-messages.js";
import { BUGS_OF_NAMES } from "./bugs-of-names.js";
import { BUGS_OF_OWNERS } from "./bugs-of-owners.js";
import { BUGS_OF_SCENARIOS } from "./bugs-of-scenarios.js";

export const PLANTED: Readonly<Record<string, Bug>> = {
  ...BUGS_OF_MESSAGES,
  ...BUGS_OF_NAMES,
  ...BUGS_OF_OWNERS,
  ...BUGS_OF_IDENTITY,
  ...BUGS_OF_FEED,
  ...BUGS_OF_SCENARIOS,
};
