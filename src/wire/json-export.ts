/** How `tertulia.v1.json` writes what is kept of a user. */
import type { Message } from "../chat/events.js";
import type { Login } from "../chat/identity.js";
import type { Name } from "../chat/names.js";
import type { ExportPart, ExportedUser } from "../chat/own-data.js";
import { epochText } from "./epoch.js";
import { convOf, textFromName } from "./json-names.js";
import type { ExportedData } from "./json-own-data.js";
import type { Events } from "./json-schema.js";

export function exportedFields(
  { about, messages, next }: ExportPart,
  reader: Name,
): { data: ExportedData; next?: string } {
  const data: ExportedData = {
    ...(about && aboutFields(about, reader)),
    messages: messages.map((message) => {
      return { conv: convOf(message.conversation, reader), ...fieldsOf(message) };
    }),
  };
  return { data, ...(next !== undefined && { next }) };
}

function aboutFields(about: ExportedUser, reader: Name): ExportedData {
  const { status, sinceMs, ownerSinceMs, accountCreatedMs, role, tokensRevokedMs } = about;
  return {
    user: textFromName(about.name),
    ...(status !== undefined && { status }),
    ...(sinceMs !== undefined && { since: sinceMs }),
    ...(ownerSinceMs !== undefined && { ownerSince: ownerSinceMs }),
    ...(accountCreatedMs !== undefined && {
      account: { created: accountCreatedMs, role: role ?? "user" },
    }),
    ...(tokensRevokedMs !== undefined && { revoked: tokensRevokedMs }),
    sessions: about.logins.map(sessionFields),
    sanctions: about.sanctions.map(({ kind, atMs, untilMs, reason }) => {
      return { kind, at: atMs, ...(untilMs !== undefined && { until: untilMs }), reason };
    }),
    blocks: about.blocked.map(textFromName),
    marks: about.marks.map(({ conversation, read }) => {
      return { conv: convOf(conversation, reader), read };
    }),
  };
}

export function sessionFields({
  id,
  client,
  beganAtMs,
  usedAtMs,
  isOwn,
}: Login): NonNullable<ExportedData["sessions"]>[number] {
  return { id, client, began: beganAtMs, used: usedAtMs, ...(isOwn && { own: true }) };
}

export function fieldsOf({
  epoch,
  seq,
  mid,
  author,
  time,
  text,
  removes,
  removed,
}: Message): Omit<Events["message"], "type" | "conv"> {
  return {
    epoch: epochText(epoch),
    seq,
    mid: removes === undefined ? mid : `removes-${removes}`,
    from: textFromName(author),
    ts: time,
    text: decoder.decode(text),
    ...(removes !== undefined && { removes }),
    ...(removed && { removed }),
  };
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
