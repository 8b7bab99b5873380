/** Commands of moderators and operators: what they forbid to whom, and who did it. */
import type { Refusal, Reply } from "./commands.js";
import type { Identity } from "./identity.js";
import { bytesFromName } from "./names.js";
import { MAX_AUDITED, MAX_SANCTIONS_TOLD, type Policy, type SessionActor } from "./policy.js";
import type { ModerationCommand, ModerationStore } from "./sanctions.js";

/** What it is carried out with. */
export interface ModerationDependencies {
  readonly moderation: ModerationStore;
  readonly policy: Policy;
  readonly identity: Pick<Identity, "roleOf">;
  /** Also of an act. */
  readonly newMessageId: () => string;
}

/**
 * The policy has allowed it, as far as it could without asking whom it concerns.
 *
 * @throws Unavailable when the store gave no answer in time
 */
export async function executeModeration(
  { moderation, policy, identity, newMessageId }: ModerationDependencies,
  actor: SessionActor,
  command: ModerationCommand,
): Promise<Reply> {
  switch (command.type) {
    case "moderate": {
      const { type: _, mid, ...act } = command;
      if (act.target.kind === "name") {
        const role = await identity.roleOf(act.target.name);
        const refusal = policy.may(actor, command, { role });
        if (refusal !== undefined) return refused(refusal);
      }
      const by = byOf(actor);
      const id = mid === undefined ? newMessageId() : `${by} ${mid}`;
      const { outcome, untilMs } = await moderation.moderate({ ...act, by, id });
      if (outcome === "nothing") return refused("nothing_to_lift");
      if (outcome === "full") return refused("too_many_sanctions");
      return { type: "moderated", untilMs: act.act === "kick" ? undefined : untilMs };
    }
    case "sanctions": {
      const found = await moderation.sanctions();
      const inForce = (found?.sanctions ?? []).filter(({ kind }) => kind !== "kick");
      const newest = inForce.toSorted((a, b) => b.atMs - a.atMs);
      return { type: "sanctions", sanctions: newest.slice(0, MAX_SANCTIONS_TOLD) };
    }
    case "audit": {
      const acts = await moderation.log(Math.min(command.limit, MAX_AUDITED));
      return { type: "audit", acts };
    }
    default:
      return command satisfies never;
  }
}

/** A user of the chat, as the log has it. Whoever acts from a terminal has no `@` there. */
export function byOf({ name }: SessionActor): string {
  return `@${decoder.decode(bytesFromName(name))}`;
}

function refused(refusal: Refusal): Reply {
  return { type: "refused", refusal };
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
