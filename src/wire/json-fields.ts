/** Fields that several frames of `tertulia.v1.json` have. PROTOCOL.md, JSON. */
import { z } from "zod";
import { MESSAGE_ID } from "../chat/policy.js";
import { STATUSES } from "../chat/names.js";

export const id = z
  .union([z.number().int(), z.string().max(64)])
  .meta({ description: "Chosen by the client; comes back in the one `ok` or `error`." });
export const conv = z
  .string()
  .regex(/^(?:~|@(?!~$).+)$/su)
  .max(257)
  .meta({ description: "`~`, everybody; `@name`, you and that user." });
export const name = z.string().min(1).max(256).meta({ description: "A user's name." });
export const password = z.string().min(1).max(256).meta({
  description:
    "At least 8 bytes of UTF-8, at most 256. Written in any form of Unicode: NFKC counts.",
});
export const session = z
  .string()
  .regex(/^[\w-]{43}$/)
  .meta({ description: "The token of a login session: who has it, is the user." });
export const token = z
  .string()
  .max(4_096)
  .regex(/^[\w-]+\.[\w-]+\.[\w-]*$/)
  .meta({ description: "A JWT of the user, in a chat with tokens." });
export const label = z.string().max(64).optional();
export const expires = z
  .number()
  .optional()
  .meta({ description: "By then a new token must be shown, in ms since 1970; absent: never." });
export const epoch = z.string().max(16).meta({
  description:
    "A number in base 36; it rises whenever numbered messages may have been rolled back.",
});
export const seq = z
  .number()
  .int()
  .min(0)
  .meta({ description: "Numbers a conversation's messages from 1, without holes." });
export const mid = z.string().regex(MESSAGE_ID).meta({
  description:
    "A message's id, unique per author: sent again to the same conversation, it is stored once.",
});
export const ts = z
  .number()
  .int()
  .meta({ description: "Milliseconds since 1970, by Redis' clock." });
export const head = seq.meta({ description: "Number of the newest message; 0: none yet." });
export const floor = seq.meta({
  description: "Number of the oldest message kept; `head` + 1: none is.",
});
export const upTo = seq.meta({ description: "Up to here it was read, on any device." });
export const unread = z.number().int().meta({ description: "Kept messages after `read`." });
export const full = z
  .boolean()
  .meta({ description: "Whether all users are told of; false: only those on the watch list." });
export const status = z.enum(STATUSES).exclude(["disconnected"]);
export const people = z
  .array(z.tuple([name, status]))
  .meta({ description: "Connected users with their status." });
export const count = z
  .number()
  .int()
  .min(0)
  .meta({ description: "Connected users in the cluster." });

export const logins = z
  .array(
    z.object({
      id: z.string().meta({ description: "Names it, and is no secret." }),
      client: z.string().meta({ description: "What the client called itself." }),
      began: ts,
      used: ts,
      own: z.boolean().optional().meta({ description: "True: the one of this connection." }),
    }),
  )
  .meta({ description: "The one that was used last first." });

/** As it is when a client joins. */
export const conversation = z.object({
  conv,
  epoch: epoch.meta({ description: "That of the newest message; `0`: none yet." }),
  head,
  floor,
  ts: ts
    .optional()
    .meta({ description: "When the newest message was written; absent: none is kept." }),
  read: upTo,
  unread,
  after: seq.meta({ description: "Every message after this one follows, or will." }),
  recovered: z.boolean().meta({
    description: "Whether nothing is missing between the cursor given and `after`.",
  }),
});
