/** Requests of `tertulia.v1.json` by moderators and operators, and what they are told. PROTOCOL.md, moderation. */
import { z } from "zod";
import { ROLES } from "../chat/identity.js";
import { MAX_AUDITED } from "../chat/policy.js";
import type { ModerationCommand, ModerationEntry, Sanction, Target } from "../chat/sanctions.js";
import { id, mid, name, ts } from "./json-fields.js";
import { nameFromText, textFromName } from "./json-names.js";

/** Ten years. */
const MOST_MS = 315_360_000_000;
const REASON_CHARS = 200;

/** Not everybody: the network of all addresses is no range. */
const range = z
  .union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()])
  .refine((text) => !/\/0+$/.test(text), "an address, or a range that is not everybody");
const acts = z.enum(["kick", "ban", "unban", "mute", "unmute"]);
const by = z
  .string()
  .meta({ description: "`@name`, a user; else what an operator calls itself in a terminal." });
const target = z.string().meta({ description: "A user's name, or an address or range." });
const address = z.boolean().optional().meta({ description: "True: `target` is no name." });
const until = ts.optional().meta({ description: "In ms since 1970; absent: for good, or over." });

export const MODERATION_REQUESTS = {
  moderate: z
    .object({
      type: z.literal("moderate"),
      id: id.optional(),
      act: acts,
      user: name.optional().meta({ description: "Whom; or `address`." }),
      address: range.optional().meta({
        description: "`192.0.2.7`, `192.0.2.0/24`, `2001:db8::/48`: only for `ban` and `unban`.",
      }),
      for: z
        .number()
        .int()
        .min(1_000)
        .max(MOST_MS)
        .optional()
        .meta({ description: "Milliseconds that a ban or mute holds; absent: for good." }),
      reason: z
        .string()
        .max(REASON_CHARS)
        .regex(/^\P{Cc}*$/u)
        .default("")
        .meta({ description: "Told to whom it concerns. One line." }),
      mid: mid.optional().meta({
        description: "Chosen by the client: sent again with the same one, it is done once.",
      }),
    })
    .refine(
      ({ user, address: of }) => (user === undefined) !== (of === undefined),
      "user, address: one of them",
    )
    .refine(
      ({ act, address: of }) => of === undefined || act === "ban" || act === "unban",
      "address: only for ban and unban",
    )
    .refine(
      ({ act, for: ms }) => ms === undefined || act === "ban" || act === "mute",
      "for: only for ban and mute",
    ),
  sanctions: z.object({ type: z.literal("sanctions"), id: id.optional() }),
  audit: z.object({
    type: z.literal("audit"),
    id: id.optional(),
    limit: z
      .number()
      .int()
      .min(1)
      .max(MAX_AUDITED)
      .default(50)
      .meta({ description: "So many acts at most." }),
  }),
} as const;

/** Fields of `ok`. */
export const MODERATION_ANSWERS = {
  until,
  sanctions: z
    .array(
      z.object({
        kind: z.enum(["ban", "mute"]),
        target,
        address,
        at: ts,
        until,
        by,
        reason: z.string(),
      }),
    )
    .optional()
    .meta({ description: "Those in force, the newest first, a thousand at most." }),
  acts: z
    .array(
      z.object({
        at: ts,
        by,
        act: z.enum([...acts.options, "role", "password", "revoke", "unregister", "remove"]),
        target,
        address,
        until,
        role: z
          .enum(ROLES)
          .optional()
          .meta({ description: "Which one the user has from then on." }),
        reason: z.string(),
      }),
    )
    .optional()
    .meta({ description: "The newest first." }),
} as const;

type Requests = typeof MODERATION_REQUESTS;
type Asked = { [Type in keyof Requests]: z.infer<Requests[Type]> };
type Answers = typeof MODERATION_ANSWERS;
type Told = { [Field in keyof Answers]: NonNullable<z.infer<Answers[Field]>> };

export function moderationOf(request: Asked[keyof Asked]): ModerationCommand {
  switch (request.type) {
    case "moderate": {
      const { act, user, address: of, for: forMs, reason, mid: own } = request;
      const whom: Target =
        of === undefined
          ? { kind: "name", name: nameFromText(user!) } // the schema has seen to it that there is one
          : { kind: "addresses", range: of.toLowerCase() };
      return { type: "moderate", act, target: whom, forMs, reason, mid: own };
    }
    case "sanctions":
      return { type: "sanctions" };
    case "audit":
      return { type: "audit", limit: request.limit };
    default:
      return request satisfies never;
  }
}

export function toldSanction(sanction: Sanction): Told["sanctions"][number] {
  const { kind, target: whom, atMs, untilMs, by: who, reason } = sanction;
  if (kind === "kick") throw new Error("a kick is over when it is done");
  return { kind, ...targetFields(whom), at: atMs, ...untilField(untilMs), by: who, reason };
}

export function toldAct(entry: ModerationEntry): Told["acts"][number] {
  const { act, target: whom, atMs, untilMs, by: who, reason, role } = entry;
  const end = untilField(act === "kick" ? undefined : untilMs);
  return { at: atMs, by: who, act, ...targetFields(whom), ...end, ...(role && { role }), reason };
}

export function untilField(untilMs: number | undefined): { until?: number } {
  return untilMs === undefined ? {} : { until: untilMs };
}

function targetFields(whom: Target): { target: string; address?: true } {
  if (whom.kind === "addresses") return { target: whom.range, address: true };
  return { target: textFromName(whom.name) };
}
