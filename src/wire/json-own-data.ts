/** Requests of `tertulia.v1.json` about all that is kept of a user. PROTOCOL.md, leaving for good. */
import { z } from "zod";
import { conv, epoch, id, logins, mid, name, seq, ts, upTo } from "./json-fields.js";

export const OWN_DATA_REQUESTS = {
  unregister: z.object({
    type: z.literal("unregister"),
    id: id.optional(),
    erase: z.boolean().optional().meta({
      description: "True: your messages go as well; else they stay, and `from` is `~`.",
    }),
    password: z.string().min(1).max(256).optional().meta({
      description: "Your password, in a chat with accounts.",
    }),
  }),
  export: z.object({
    type: z.literal("export"),
    id: id.optional(),
    after: z.string().max(256).optional().meta({
      description: "`next` of the part before; absent: the first part.",
    }),
  }),
} as const;

/** What is kept of a user, in parts: lists go on in the next one. */
const data = z.looseObject({
  user: name.optional(),
  status: z.string().optional(),
  since: ts.optional().meta({ description: "When you connected, or left." }),
  ownerSince: ts.optional().meta({
    description: "Since then the name is kept for who shows your key: of that, a digest is kept.",
  }),
  account: z
    .looseObject({ created: ts, role: z.string() })
    .optional()
    .meta({ description: "Of the password, a hash is kept as well." }),
  revoked: ts.optional().meta({ description: "Tokens that were issued until then are refused." }),
  sessions: logins.optional(),
  sanctions: z
    .array(z.looseObject({ kind: z.string(), at: ts, until: ts.optional(), reason: z.string() }))
    .optional(),
  blocks: z.array(name).optional().meta({ description: "Whom you block." }),
  marks: z.array(z.looseObject({ conv, read: upTo })).optional(),
  messages: z
    .array(z.looseObject({ conv, epoch, seq, mid, from: name, ts, text: z.string() }))
    .optional()
    .meta({ description: "What you wrote to everybody; private conversations, both sides." }),
});

/** Fields of the answer to `export`. */
export const exported = {
  data: data.optional().meta({ description: "A part of what is kept of you." }),
  next: z.string().optional().meta({ description: "Where the next part begins; absent: no more." }),
};

export type ExportedData = z.infer<typeof data>;
