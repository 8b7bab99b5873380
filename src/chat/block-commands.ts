/** Commands about whom a user blocks. */
import type { BlockCommand, Reply } from "./commands.js";
import type { Policy, SessionActor } from "./policy.js";
import type { BlockStore, UserStore } from "./ports.js";

export interface BlockDependencies {
  readonly blocks: BlockStore;
  readonly users: Pick<UserStore, "user">;
  readonly policy: Policy;
}

/** @throws Unavailable when the store gave no answer in time */
export async function executeBlocks(
  { blocks, users, policy }: BlockDependencies,
  actor: SessionActor,
  command: BlockCommand,
): Promise<Reply> {
  const sinceMs = policy.seesPrivateFromMs(actor);
  switch (command.type) {
    case "block": {
      const { user, off } = command;
      if (off) await blocks.unblock(actor.name, user);
      else if ((await users.user(user)) === undefined) {
        return { type: "refused", refusal: "unknown_user" };
      } else if ((await blocks.block(actor.name, user, sinceMs)) === "full") {
        return { type: "refused", refusal: "too_many_blocks" };
      }
      return { type: "accepted" };
    }
    case "blocks":
      return { type: "blocked", names: await blocks.blocked(actor.name, sinceMs) };
    default:
      return command satisfies never;
  }
}
