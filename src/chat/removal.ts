/** Removes a message: by its author, or by a moderator. */
import type { Command, Reply } from "./commands.js";
import { conversationOf } from "./conversation.js";
import type { Policy, SessionActor } from "./policy.js";
import type { ConversationStore } from "./ports.js";

/**
 * The policy has allowed to ask for it. Whose message it is, the store sees in the step that removes it.
 *
 * @throws Unavailable when the store gave no answer in time
 */
export async function removed(
  conversations: Pick<ConversationStore, "remove">,
  policy: Policy,
  author: SessionActor,
  { of, seq }: Extract<Command, { type: "remove" }>,
): Promise<Reply> {
  const conversation = conversationOf(of, author.name);
  const ofAnybody = policy.mayRemoveOfAnybody(author, of);
  const sinceMs = policy.seesPrivateFromMs(author);
  const removal = await conversations.remove({ author, conversation, seq, sinceMs, ofAnybody });
  switch (removal.outcome) {
    case "removed":
      return { type: "removed", conversation, seq: removal.seq };
    case "unknown":
      return { type: "refused", refusal: "unknown_message" };
    case "forbidden":
      return { type: "refused", refusal: "forbidden" };
    default:
      return removal satisfies never;
  }
}
