/** Settings of whose a name is. */
import { z } from "zod";
import { integer } from "./fields.js";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

export const identity = {
  IDENTITY: z.enum(["open", "accounts"]).default("open").meta({
    example: "accounts",
    about:
      "Whose a name is: `open`, whoever takes it while it is free; `accounts`, whose password it is. The same at all gateways",
  }),
  REGISTRATION: z.enum(["open", "closed"]).default("open").meta({
    example: "closed",
    about:
      "With `accounts`: whether clients may register; `closed`: only the operator makes accounts",
  }),
  LOGIN_IDLE_MS: integer(
    MINUTE,
    3_650 * DAY,
    30 * DAY,
    "With `accounts`: a login session that was not used for this long has ended",
  ),
};
