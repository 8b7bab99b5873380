/** Commands about the right to a name: what is asked of the identity, and how its answers become replies. */
import type { IdentityCommand, LogIn, RefusalDetails, Reply, RuleRefusal } from "./commands.js";
import type { Identified, Identity, IdentityRefusal, Origin, Refused } from "./identity.js";
import type { ClaimOutcome } from "./ports.js";
import type { Sanction } from "./sanctions.js";

/** How a stranger's wish for a name was answered. */
export type JoinOutcome =
  | Exclude<ClaimOutcome, { outcome: "revoked" }>
  | {
      readonly outcome: "refused";
      readonly refusal: RuleRefusal | IdentityRefusal;
      readonly details?: RefusalDetails | undefined;
    };

/** @throws Unavailable when the store gave no answer in time */
export async function loggedIn(
  identity: Identity,
  { type, name, password, client }: LogIn,
  from: Origin,
  ban: Sanction | undefined,
): Promise<Reply> {
  const asker = { ...from, client };
  const answer =
    type === "log_in"
      ? await identity.logIn(name, password, asker)
      : await identity.register(name, password, asker);
  if (answer.outcome === "refused") return refusal(answer);
  if (ban !== undefined) return { type: "refused", refusal: "banned", sanction: ban };
  const { session } = answer.proof ?? {};
  if (session === undefined) throw new Error("a login session has a token when it begins");
  return { type: "logged-in", name, session };
}

/** @throws Unavailable when the store gave no answer in time */
export async function executeIdentity(
  identity: Identity,
  user: Identified,
  command: IdentityCommand,
): Promise<Reply> {
  switch (command.type) {
    case "password": {
      const refused = await identity.changePassword(user, command.old, command.next);
      return refused === undefined ? { type: "accepted" } : refusal(refused);
    }
    case "logins": {
      const logins = await identity.logins(user, command.ended);
      return "outcome" in logins ? refusal(logins) : { type: "logins", logins };
    }
    case "refresh": {
      const answer = await identity.refresh(user, command.token);
      if (answer.outcome === "refused") return refusal(answer);
      if (answer.proof === undefined) throw new Error("a token proves something");
      return { type: "refreshed", proof: answer.proof };
    }
    default:
      return command satisfies never;
  }
}

function refusal({ refusal: why, retryAfterMs }: Refused): Reply {
  return { type: "refused", refusal: why, retryAfterMs };
}
