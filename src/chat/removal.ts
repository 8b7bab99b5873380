/** Removes a message: by its author, or by a moderator. */
import type { Command, Reply } from "./commands.js";
import { conversationOf } from "./conversation.js";
import { byOf } from "./moderation-commands.js";
import type { Policy, SessionActor } from "./policy.js";
import type { ConversationStore } from "./ports.js";
import type { ModerationStore } from "./sanctions.js";

/** What it is carried out with. */
export interface RemovalDependencies {
  readonly conversations: Pick<ConversationStore, "remove">;
  readonly policy: Policy;
  readonly moderation: Pick<ModerationStore, "note">;
}

/**
 * The policy has allowed to ask for it. Whose message it is, the store sees in the step that removes it. What somebody else
 * wrote is noted in the log of moderation before it is answered; asked again after a lost answer, it is noted once.
 *
 * @throws Unavailable when the store gave no answer in time
 */
export async function removed(
  { conversations, policy, moderation }: RemovalDependencies,
  user: SessionActor,
  { of, seq, reason }: Extract<Command, { type: "remove" }>,
): Promise<Reply> {
  const conversation = conversationOf(of, user.name);
  const removal = await conversations.remove({
    author: user,
    conversation,
    seq,
    sinceMs: policy.seesPrivateFromMs(user),
    ofAnybody: policy.mayRemoveOfAnybody(user, of),
  });
  switch (removal.outcome) {
    case "removed": {
      const { author, by } = removal;
      if (author !== user.name && by === user.name) {
        await moderation.note({
          act: "remove",
          target: { kind: "name", name: author },
          by: byOf(user),
          reason: whyRemoved(seq, reason),
          id: `${byOf(user)} ${removal.seq}`,
        });
      }
      return { type: "removed", conversation, seq: removal.seq };
    }
    case "unknown":
      return { type: "refused", refusal: "unknown_message" };
    case "forbidden":
      return { type: "refused", refusal: "forbidden" };
    default:
      return removal satisfies never;
  }
}

/** What the log says of it, besides who and whose. */
export function whyRemoved(seq: number, reason = ""): string {
  return `message ${seq}${reason === "" ? "" : `: ${reason}`}`;
}
