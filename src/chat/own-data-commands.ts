/** Commands of a user about its own data: to leave for good, and to have all that is kept. */
import type { Reply, RuleRefusal } from "./commands.js";
import {
  GENERAL,
  addressOf,
  conversationOf,
  formatAddress,
  parseAddress,
  type Address,
} from "./conversation.js";
import type { Message } from "./events.js";
import type { Identity, IdentityRefusal, Refused } from "./identity.js";
import type { ExportPart, ExportedUser, OwnDataCommand, UserRecords } from "./own-data.js";
import { MAX_PAGE, type SessionActor } from "./policy.js";
import type { ConversationStore } from "./ports.js";
import type { KnownSanctions } from "./sanctions.js";

/** Of so many bytes of texts, and so many conversations, a part is complete. */
const PART_BYTES = 262_144;
const CONVERSATIONS_OF_PART = 32;

export interface ExportDependencies {
  readonly records: Pick<UserRecords, "kept" | "written">;
  readonly conversations: Pick<ConversationStore, "page" | "conversations">;
  readonly identity: Pick<Identity, "logins">;
  readonly sanctions: KnownSanctions;
}

export interface OwnDataDependencies extends ExportDependencies {
  readonly records: UserRecords;
  readonly identity: Pick<Identity, "confirm" | "logins">;
}

export async function executeOwnData(
  dependencies: OwnDataDependencies,
  user: SessionActor,
  command: OwnDataCommand,
  seesPrivateFromMs: number,
): Promise<Reply> {
  switch (command.type) {
    case "unregister":
      return unregister(dependencies, user, command, seesPrivateFromMs);
    case "export": {
      const part = await exportPart(dependencies, user, command.after, seesPrivateFromMs);
      return part === undefined ? refused("bad_cursor") : { type: "exported", part };
    }
    default:
      return command satisfies never;
  }
}

async function unregister(
  { records, identity }: OwnDataDependencies,
  user: SessionActor,
  { erase: erases, password }: Extract<OwnDataCommand, { type: "unregister" }>,
  sinceMs: number,
): Promise<Reply> {
  const confirmed = await identity.confirm(user, password);
  if (confirmed.outcome === "refused") {
    return refused(confirmed.refusal, confirmed.retryAfterMs);
  }
  const { name, id: session } = user;
  const { version } = confirmed;
  const outcome = await records.unregister({ name, session, version, sinceMs, erases });
  switch (outcome) {
    case "done":
      return { type: "accepted" };
    case "gone":
    case "nothing":
      return refused("not_registered");
    case "changed":
      return refused("bad_credentials");
    default:
      return outcome satisfies never;
  }
}

/** The user whose data it is, as far as the reader may see. */
export type Exporting = Pick<SessionActor, "name" | "proof" | "origin">;

/**
 * First what is kept besides messages; then what the user wrote to everybody; then private conversations, one after
 * the other. Not one atomic step.
 * @returns undefined: `after` is none that a part before has said
 */
export async function exportPart(
  dependencies: ExportDependencies,
  user: Exporting,
  after: string | undefined,
  sinceMs: number,
): Promise<ExportPart | undefined> {
  const { records, conversations } = dependencies;
  if (after === undefined) {
    const about = await aboutUser(dependencies, user, sinceMs);
    return { about, messages: [], next: placeOf(0, GENERAL) };
  }
  const place = placeIn(after);
  if (place === undefined) return undefined;
  if (place.address.kind === "general") {
    const found = await records.written(user.name, GENERAL, place.seq, sinceMs);
    const { messages } = found;
    if (found.next !== undefined) return { messages, next: placeOf(found.next, GENERAL) };
    const following = await followingOf(dependencies, user, GENERAL, sinceMs);
    return { messages, next: following[0] && placeOf(0, following[0]) };
  }
  const messages: Message[] = [];
  let [address, seq]: [Address | undefined, number] = [place.address, place.seq];
  const following = await followingOf(dependencies, user, address, sinceMs);
  for (let count = 0, bytes = 0; address !== undefined;) {
    const limit = MAX_PAGE - messages.length;
    if (limit === 0 || bytes > PART_BYTES || count === CONVERSATIONS_OF_PART) break;
    const conversation = conversationOf(address, user.name);
    const range = { direction: "after", seq, limit } as const;
    const page = await conversations.page(conversation, range, sinceMs);
    messages.push(...page.messages);
    bytes += page.messages.reduce((sum, { text }) => sum + text.length, 0);
    const last = page.messages.at(-1);
    if (page.more && last !== undefined) seq = last.seq;
    else {
      [address, seq] = [following[count], 0];
      count++;
    }
  }
  return { messages, next: address && placeOf(seq, address) };
}

/** The private conversations behind this one, in an order that stays. */
async function followingOf(
  { conversations }: ExportDependencies,
  { name }: Exporting,
  address: Address,
  sinceMs: number,
): Promise<Address[]> {
  const states = await conversations.conversations(name, sinceMs, () => true);
  const all = states.map(({ conversation }) => addressOf(conversation, name));
  const ordered = all
    .filter(({ kind }) => kind === "direct")
    .map((each) => [formatAddress(each), each] as const)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  const from = address.kind === "general" ? "" : formatAddress(address);
  return ordered.filter(([text]) => text > from).map(([, each]) => each);
}

async function aboutUser(
  { records, conversations, identity, sanctions }: ExportDependencies,
  user: Exporting,
  sinceMs: number,
): Promise<ExportedUser> {
  const { name } = user;
  const [kept, logins, states] = await Promise.all([
    records.kept(name, sinceMs),
    identity.logins(user, undefined),
    conversations.conversations(name, sinceMs, () => true),
  ]);
  return {
    name,
    ...kept,
    logins: "outcome" in logins ? [] : logins,
    sanctions: [sanctions.banOf(name), sanctions.muteOf(name)].filter((each) => each !== undefined),
    marks: states.map(({ conversation, read }) => ({ conversation, read })),
  };
}

/** A place in what is exported: behind a message of a conversation. */
function placeOf(seq: number, address: Address): string {
  return `${seq} ${formatAddress(address)}`;
}

function placeIn(text: string): { seq: number; address: Address } | undefined {
  const [, seq, rest] = /^(\d{1,15}) (.+)$/s.exec(text) ?? [];
  const address = rest === undefined ? undefined : parseAddress(rest);
  if (address === undefined || address.kind === "room") return undefined;
  return { seq: Number(seq), address };
}

function refused(
  refusal: RuleRefusal | IdentityRefusal,
  retryAfterMs?: Refused["retryAfterMs"],
): Reply {
  return { type: "refused", refusal, retryAfterMs };
}
