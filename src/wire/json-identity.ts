/** Requests of `tertulia.v1.json` about a name and whose it is. PROTOCOL.md, identity. */
import { z } from "zod";
import {
  conv,
  epoch,
  id,
  label,
  name,
  password,
  seq,
  session,
  status,
  token,
} from "./json-fields.js";

/** What several of them show might be of several users. */
function showsOneAtMost(hello: { password?: unknown; session?: unknown; token?: unknown }) {
  const { password: first, session: second, token: third } = hello;
  return [first, second, third].filter((each) => each !== undefined).length <= 1;
}

export const IDENTITY_REQUESTS = {
  hello: z
    .object({
      type: z.literal("hello"),
      id: id.optional(),
      name,
      key: z
        .string()
        .regex(/^[\w-]{1,64}$/)
        .optional()
        .meta({
          description:
            "A client that knows it may share the name, and gets it back later; without one, the node makes one.",
        }),
      keep: z.boolean().optional().meta({
        description: "False: the name is not kept for `key`: others may have it when it was left.",
      }),
      status: status.optional().meta({
        description: "Set if the user was away; otherwise the user's status stays as it is.",
      }),
      password: password.optional().meta({
        description: "Begins a login session: its token is in the welcome.",
      }),
      session: session.optional(),
      token: token.optional(),
      client: label.meta({
        description: "Client and version, for the log and the list of login sessions.",
      }),
      resume: z
        .record(conv, z.tuple([epoch, seq]))
        .optional()
        .meta({
          description:
            "The cursors: per conversation, epoch and number of the last message that the client has.",
        }),
    })
    .refine(showsOneAtMost, "password, session, token: one of them at most"),
  register: z.object({
    type: z.literal("register"),
    id: id.optional(),
    name,
    password,
    client: label.meta({ description: "For the list of login sessions." }),
  }),
  login: z.object({
    type: z.literal("login"),
    id: id.optional(),
    name,
    password: z.string().min(1).max(256),
    client: label.meta({ description: "For the list of login sessions." }),
  }),
  password: z.object({
    type: z.literal("password"),
    id: id.optional(),
    old: z.string().min(1).max(256).meta({ description: "The present password." }),
    new: password,
  }),
  sessions: z.object({
    type: z.literal("sessions"),
    id: id.optional(),
    end: z
      .string()
      .regex(/^(?:all|others|[\w-]{10})$/)
      .optional()
      .meta({
        description: "Ends first: the login session with this id, all but this one, or all.",
      }),
  }),
  refresh: z.object({ type: z.literal("refresh"), id: id.optional(), token }),
} as const;
