/** The hints of blocks go with the user who imposed them: who has left for good, or was forgotten. See lua/4-blocks.lua. */
import { conversationBetween } from "../chat/conversation.js";
import type { Name } from "../chat/names.js";
import { isDamage, type FunctionLibrary } from "./function-library.js";
import { bucketOfConversation, type Keys } from "./keys.js";
import { bytes, nameAt } from "./name-bytes.js";

/** Whom a user blocks, and whoever had the name before. */
export async function blocksOf(library: FunctionLibrary, keys: Keys, name: Name): Promise<Name[]> {
  const found = (await library.call("list_blocks", [keys.account(name)], [0])) as Buffer[];
  return found.map((each) => nameAt(each));
}

/** Takes the hints away. A damaged conversation keeps its own. */
export async function dropHints(
  library: FunctionLibrary,
  keys: Keys,
  name: Name,
  others: readonly Name[],
  historyMaxAgeMs: number,
): Promise<void> {
  const drop = async (other: Name): Promise<void> => {
    const conversation = conversationBetween(name, other);
    const key = keys.conversation(bucketOfConversation(conversation), conversation);
    try {
      await library.call("unhint_block", [key], [bytes(name), historyMaxAgeMs]);
    } catch (error) {
      if (!isDamage(error)) throw error;
    }
  };
  await Promise.all(others.map(drop));
}
