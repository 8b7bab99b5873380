/** Settings of names that nobody holds. */
import { z } from "zod";
import { integer } from "./fields.js";

const HOUR = 60 * 60_000;
const DAY = 24 * HOUR;

export const names = {
  NAME_KEPT_MS: integer(
    0,
    3_650 * DAY,
    30 * DAY,
    "A name that was left is kept for so long for the key that its owner has shown; 0: it is not",
  ),
  NAMES_FORGOTTEN_MS: integer(
    0,
    3_650 * DAY,
    HOUR,
    "So long after it was left, a name that is kept for nobody, and of which no message is kept, is forgotten; 0: never",
  ),
  PRIVATE_HISTORY: z.enum(["tenure", "name"]).default("tenure").meta({
    example: "name",
    about:
      "Which private messages of a name its user is shown: `tenure`, those since the name has been this user's; `name`, all: for networks where everybody is trusted",
  }),
};
