/**
 * What a request costs, in tokens: about what its work is, beside a short message to everybody, which costs one. What is
 * ignored or cannot be read costs as well: reading it is work.
 */
import { MAX_PAGE } from "../chat/policy.js";
import type { ChatCommand, Decoded, Request } from "../session/requests.js";

/** Of any frame, paid before it is read; of one that cannot be read, it is all. */
export const FRAME_COST = 0.5;
/** Of a frame that is refused because there were no tokens: to say so is less work than to do it. */
export const REFUSAL_COST = 0.25;

/** A name is claimed in Redis; in JSON, conversations are read as well. */
const CLAIM_COST = 4;
/** Pages, login sessions and presence read much. */
const READ_COST = 4;
/** All who ask for lists within a moment share one reading; what is left is to write it. */
const LIST_COST = 2;
/** Of a list that is answered by the one behind it: only a flood of them has to pay. */
export const SUPERSEDED_LIST_COST = 1 / 64;
/** Of bytes: Redis reads whole texts of up to 16 kB, and most of each is left out of the answer. */
const HISTORY_COST = 8;
/** Of answers, paid when they are known: a page may have a quarter of a megabyte. */
const ANSWER_BYTES_PER_TOKEN = 8_192;
/** Half a second of a core, though not of the event loop's. */
const PASSWORD_COST = 16;
/** Thousands of messages are looked at for the user's own. */
const EXPORT_COST = 16;
/** What it keeps does not expire by itself. */
const BLOCK_COST = 16;
const STATUS_COST = 2;
const TYPING_COST = 2;
const REMOVAL_COST = 2;
const BYTES_PER_TOKEN = 4_096;
const MESSAGES_PER_TOKEN = 50;
const WATCHED_PER_TOKEN = 50;
const CURSORS_PER_TOKEN = 50;

export function costOf(decoded: Decoded): number {
  switch (decoded.kind) {
    case "request":
      return costOfRequest(decoded.request);
    case "refused":
    case "bad":
    case "ignored":
      return FRAME_COST;
    default:
      return decoded satisfies never;
  }
}

/** What a long answer costs more than its request did. A short one costs nothing more. */
export function costOfAnswer(bytes: number): number {
  return Math.floor(bytes / ANSWER_BYTES_PER_TOKEN);
}

function costOfRequest(request: Request): number {
  switch (request.type) {
    case "command":
    case "superseded":
      return costOfCommand(request.command);
    case "hello":
      return CLAIM_COST + Object.keys(request.cursors).length / CURSORS_PER_TOKEN;
    case "register":
      return CLAIM_COST;
    case "log-in":
      return PASSWORD_COST;
    case "follow": {
      const { watch } = request;
      return watch === undefined ? 1 : READ_COST + watch.length / WATCHED_PER_TOKEN;
    }
    case "ping":
    case "bye":
    case "invalid":
      return 1;
    default:
      return request satisfies never;
  }
}

function costOfCommand(command: ChatCommand): number {
  switch (command.type) {
    case "send":
      return 1 + Math.floor(command.text.length / BYTES_PER_TOKEN);
    case "list":
      return LIST_COST;
    case "history":
      return HISTORY_COST;
    case "page":
      return READ_COST + Math.min(command.range.limit, MAX_PAGE) / MESSAGES_PER_TOKEN;
    case "status":
      return STATUS_COST;
    case "typing":
      return TYPING_COST;
    case "remove":
      return REMOVAL_COST;
    case "password":
    case "unregister":
      return PASSWORD_COST;
    case "export":
      return EXPORT_COST;
    case "block":
      return BLOCK_COST;
    case "logins":
    case "refresh":
    case "blocks":
    case "moderate":
    case "sanctions":
    case "audit":
      return READ_COST;
    case "lookup":
    case "read":
      return 1;
    default:
      return command satisfies never;
  }
}
