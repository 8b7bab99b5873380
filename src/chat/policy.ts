/**
 * Every rule of the chat: who may do what, how names and texts may look.
 * A command meets the same rules wherever it comes from. Pure.
 *
 * Not here: how frames are written (`wire/`), how much a connection may ask for (`limits/`),
 * and what must hold at the moment of a write (who holds a name, whose lease has ended), which Redis
 * checks in the same step.
 */
import type { Command, Register, RuleRefusal } from "./commands.js";
import { ROLES, type Origin, type Role } from "./identity.js";
import type { Address } from "./conversation.js";
import { bytesFromName, type Name, type Status } from "./names.js";
import type { Holder } from "./ports.js";
import { isBlank, isPlain } from "./visible.js";

/** Connections that may share a name. Redis counts them, in the step that claims. */
export const MAX_DEVICES = 16;
/** Users of a list, and messages of a history that is asked for without a range. */
export const MAX_LISTED = 255;
/** Messages of a page. */
export const MAX_PAGE = 200;
/** With more connected users, typing in the general chat is not told. */
export const TYPING_TOLD_UP_TO = 200;
/** Sanctions that are told, the newest; and acts of the moderation log. */
export const MAX_SANCTIONS_TOLD = 1_000;
export const MAX_AUDITED = 200;
/** Bytes of a text that comes as bytes. */
export const MAX_TEXT_BYTES = 255;
/** A message's id, if its sender chooses one. */
export const MESSAGE_ID = /^[\w-]{1,64}$/;

/** Who asks the chat to do something. */
export type Actor = Stranger | SessionActor | Bot | Operator;

/** A connection that has no name yet. */
export interface Stranger {
  readonly kind: "stranger";
}

export const STRANGER: Stranger = { kind: "stranger" };

/** A connection that holds a name. */
export interface SessionActor extends Holder {
  readonly kind: "session";
  /** Since this time (ms since 1970) the name has been this owner's. By Redis' clock. */
  readonly tenureMs: number;
  /** Until then the name was somebody's who has left for good: what was written before is nobody's. */
  readonly formerMs: number;
  readonly origin?: Origin;
}

/** Acts in a name without holding it: it speaks, but is never present. */
export interface Bot {
  readonly kind: "bot";
  readonly name: Name;
}

/** Runs the cluster: may see what everybody sees, and acts in nobody's name. */
export interface Operator {
  readonly kind: "operator";
}

/** Limits that an operator chooses. */
export interface Limits {
  /** Most characters of a text that comes in characters. */
  readonly textMaxChars: number;
  /** A regular expression that names must match as well, read as UTF-8. */
  readonly namePattern?: string | undefined;
  /**
   * Which private messages of a name its owner sees: `tenure`, those since it has been this owner's; `name`, all of them,
   * whoever had the name then.
   */
  readonly privateHistory: "tenure" | "name";
}

/** What some rules must know of the world. */
export interface Facts {
  /** The status of the user whom a message is for; undefined if there is no such user. */
  readonly recipient?: Status | undefined;
  /** Whether it is known whose name that is while nobody holds it. */
  readonly isOwned?: boolean;
  /** Of the user whom moderation acts on. */
  readonly role?: Role;
}

/** What a muted user may not do: nothing in its name is stored in a conversation, and it sets its status all the same. */
export function mayWhileMuted({ type }: Command): "muted" | undefined {
  return type === "send" || type === "remove" || type === "typing" ? "muted" : undefined;
}

export interface Policy {
  readonly limits: Limits;
  /**
   * Why the actor may not do this; undefined: it may. Without facts, only the rules that need none are
   * applied; {@link recipientOf} tells which fact a command needs.
   */
  may(actor: Actor, command: Command, facts?: Facts): RuleRefusal | undefined;
  /**
   * Why nobody may take this name if nobody has it yet, also in bytes: JSON would show it like another one. Who had it
   * before there was this rule comes back.
   */
  mayBeNew(name: Name): "bad_name" | undefined;
  /**
   * The actor sees no private message that was written before this time, and what was written under its name is not its
   * own; 0: it sees all that are kept.
   */
  seesPrivateFromMs(actor: Actor): number;
  /** Whether the actor may remove messages of others there. */
  mayRemoveOfAnybody(actor: SessionActor, of: Address): boolean;
}

export function createPolicy(limits: Limits): Policy {
  const isAllowed = namePattern(limits.namePattern);
  const mayRegister = ({ name, written }: Register): "bad_name" | undefined => {
    const isGood = isName(name) && isAllowed(name) && (written === undefined || isPlain(written));
    return isGood ? undefined : "bad_name";
  };
  const may: Policy["may"] = (actor, command, facts) => {
    if (actor.kind === "stranger") {
      if (command.type !== "register") return "not_registered";
      return mayRegister(command);
    }
    switch (command.type) {
      case "register":
        return actor.kind === "session" ? mayRegisterAgain(actor.name, command.name) : "bad_name";
      case "list":
      case "lookup":
        return undefined;
      case "status":
        return maySetStatus(actor, command.name);
      case "send":
        return actor.kind === "operator" ? "forbidden" : maySend(command, limits, facts);
      case "history":
      case "page":
        return mayRead(actor, command.of);
      case "read":
        return actor.kind === "operator" ? "forbidden" : mayRead(actor, command.of);
      case "typing":
        return actor.kind === "operator" ? "forbidden" : mayType(command.to);
      case "remove": // whether it is the actor's own, only the store can tell
        return actor.kind === "session" ? mayRead(actor, command.of) : "forbidden";
      case "moderate":
        return mayModerate(actor, command, facts);
      case "sanctions":
      case "audit":
        return rankOf(roleOf(actor)) < MODERATOR ? "forbidden" : undefined;
      case "block":
        return actor.kind === "session" ? mayBlock(actor.name, command.user) : "forbidden";
      case "blocks":
      case "password":
      case "logins":
      case "refresh": // of one's own name
      case "unregister":
      case "export":
        return actor.kind === "session" ? undefined : "forbidden";
      default:
        return command satisfies never;
    }
  };
  const seesPrivateFromMs: Policy["seesPrivateFromMs"] = (actor) => {
    if (actor.kind !== "session") return 0;
    return limits.privateHistory === "tenure" ? actor.tenureMs : actor.formerMs;
  };
  const mayBeNew: Policy["mayBeNew"] = (name) => (isReadable(name) ? undefined : "bad_name");
  const mayRemoveOfAnybody: Policy["mayRemoveOfAnybody"] = (actor, of) =>
    of.kind === "general" && rankOf(roleOf(actor)) >= MODERATOR;
  return { limits, may, mayBeNew, seesPrivateFromMs, mayRemoveOfAnybody };
}

/** A session keeps its name. Pure, so that a session asks at once, without a chat. */
export function mayRegisterAgain(own: Name, name: Name): "bad_name" | undefined {
  return name === own ? undefined : "bad_name";
}

/** The user whose status {@link Policy.may} must know for this command, if any. */
export function recipientOf(command: Command): Name | undefined {
  return command.type === "send" && command.to.kind === "direct" ? command.to.user : undefined;
}

/** How long a text may be: bytes, or characters if it comes in characters. */
export function textLimitOf(
  { written }: Extract<Command, { type: "send" }>,
  { textMaxChars }: Limits,
): number {
  return written === undefined ? MAX_TEXT_BYTES : textMaxChars;
}

/** Whether typing is announced. In a crowd it is not: the command is accepted, and nobody hears of it. */
export function isTypingTold(to: Address, connectedUsers: number): boolean {
  return to.kind !== "general" || connectedUsers <= TYPING_TOLD_UP_TO;
}

/** Whether a user can have this name; an operator may demand more. PROTOCOL.md, names. */
export function isName(name: string): boolean {
  return NAME.test(name);
}

/**
 * 1 to 64 bytes, no control byte; not `~`, and not beginning with `#` or `@`: these are the addresses
 * of other conversations.
 */
// oxlint-disable-next-line no-control-regex -- control bytes are what it keeps out
const NAME = /^(?!~$|[#@])[^\x00-\x1f\x7f]{1,64}$/s;

/** Only a session has a status, and it sets its own. */
function maySetStatus(
  actor: Exclude<Actor, Stranger>,
  whose: Name | undefined,
): RuleRefusal | undefined {
  const isOwn = actor.kind === "session" && (whose ?? actor.name) === actor.name;
  return isOwn ? undefined : "forbidden";
}

function maySend(
  command: Extract<Command, { type: "send" }>,
  limits: Limits,
  facts: Facts | undefined,
): RuleRefusal | undefined {
  const { to, text, written, mid, mayWait } = command;
  if (to.kind === "room") return "unknown_room";
  if (mid !== undefined && !MESSAGE_ID.test(mid)) return "bad_message_id";
  if (isLonger(written ?? text, textLimitOf(command, limits))) return "too_large";
  if (to.kind === "direct") {
    if (facts === undefined) return undefined;
    if (facts.recipient === undefined) return "unknown_user";
  }
  if (written === undefined ? text.length === 0 : isBlank(written)) return "empty_message";
  if (facts?.recipient === "disconnected") {
    // who takes the name next would not see it
    const isForNobody = limits.privateHistory === "tenure" && !facts.isOwned;
    if (mayWait !== true || isForNobody) return "recipient_disconnected";
  }
  return undefined;
}

/** Only its two users read a private conversation: an address means the actor's own. */
function mayRead(actor: Exclude<Actor, Stranger>, of: Address): RuleRefusal | undefined {
  if (of.kind === "room") return "unknown_room";
  return of.kind === "direct" && actor.kind === "operator" ? "forbidden" : undefined;
}

/** It is not looked up whether the user exists: if not, nobody hears of it. */
function mayType(to: Address): RuleRefusal | undefined {
  if (to.kind === "room") return "unknown_room";
  return to.kind === "direct" && !isName(to.user) ? "unknown_user" : undefined;
}

/** What an actor may do besides what everybody may: by what has proved its name, never by the name alone. */
function roleOf(actor: Actor): Role {
  if (actor.kind === "operator") return "operator";
  return (actor.kind === "session" ? actor.proof?.role : undefined) ?? "user";
}

function rankOf(role: Role): number {
  return ROLES.indexOf(role);
}

const MODERATOR = rankOf("moderator");

/** Operators ban addresses as well. Nobody acts on a user of the own role or a higher one, so nobody on oneself. */
function mayModerate(
  actor: Exclude<Actor, Stranger>,
  { target }: Extract<Command, { type: "moderate" }>,
  facts: Facts | undefined,
): RuleRefusal | undefined {
  const role = roleOf(actor);
  if (actor.kind !== "session" || rankOf(role) < MODERATOR) return "forbidden";
  if (target.kind === "addresses") return role === "operator" ? undefined : "forbidden";
  if (!isName(target.name)) return "bad_name";
  return rankOf(facts?.role ?? "user") < rankOf(role) ? undefined : "forbidden";
}

function mayBlock(own: Name, other: Name): RuleRefusal | undefined {
  if (!isName(other)) return "unknown_user";
  return other === own ? "forbidden" : undefined;
}

function isLonger(text: string | Uint8Array, limit: number): boolean {
  return text.length > limit && Array.from<unknown>(text).length > limit;
}

/** Byte clients cut names inside characters: what is no UTF-8 is shown as a sign that everybody sees. */
function isReadable(name: Name): boolean {
  return isPlain(decoder.decode(bytesFromName(name)).replaceAll("\ufffd", "?"));
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

function namePattern(source: string | undefined): (name: Name) => boolean {
  if (source === undefined) return () => true;
  const pattern = new RegExp(source, "u");
  return (name) => pattern.test(decoder.decode(bytesFromName(name)));
}
