/** The route of a notice on this node: from the feed to everything that has to know, in this order. */
import { otherOf } from "../chat/conversation.js";
import type { Message, Notice } from "../chat/events.js";
import { isRevoked } from "../chat/identity.js";
import type { EventLog } from "./event-log.js";
import type { Evictor } from "./evictor.js";
import type { Hub } from "./hub.js";
import type { NameContests } from "./name-contests.js";
import type { Presence } from "./presence.js";
import { NO_TENURE } from "./session-holder.js";
import type { Unanswered } from "../limits/unanswered.js";
import type { SharedRoster } from "./shared-roster.js";

export interface NoticeRouterDependencies {
  readonly hub: Hub;
  readonly presence: Presence;
  readonly roster: SharedRoster;
  readonly unanswered: Unanswered;
  readonly contests: NameContests;
  readonly evictor: Evictor;
  readonly events: EventLog;
  /** Whether the node's lease may have ended. */
  readonly isOverdue: () => boolean;
  readonly isLeading: () => boolean;
}

export function noticeRouter({
  hub,
  presence,
  roster,
  unanswered,
  contests,
  evictor,
  events,
  isOverdue,
  isLeading,
}: NoticeRouterDependencies): (notice: Notice) => void {
  return (notice) => {
    // the node slept longer than its lease: its sessions' names, and this notice, may be for others by now
    if (isOverdue()) hub.suspend();
    if (notice.type === "presence") {
      presence.hear(notice);
      roster.hear(notice);
      if (notice.cause === "lost" && isLeading()) events.signedOut(notice.user.name);
    }
    if (notice.type === "message") hearMessage(unanswered, notice.message);
    if (notice.type === "gap") presence.reload(notice.bucket);
    if (notice.type === "revoked") closeRevoked(hub, notice);
    if (notice.type === "revoked" && notice.revoked.kind === "name") roster.forget(notice.name);
    hub.deliver(notice);
    if (notice.type === "gap") evictor.withHoles();
    contests.hear(notice);
  };
}

/** A session that is about to claim the name is found as well: Redis may have granted it before. */
function closeRevoked(hub: Hub, { name, revoked, at }: Extract<Notice, { type: "revoked" }>): void {
  for (const session of hub.named(name)) {
    const { proof, tenureMs } = session.holder;
    if (revoked.kind === "name") {
      // a later owner of the name has it since another time
      const isLater = tenureMs > revoked.untilMs && tenureMs !== NO_TENURE;
      if (!isLater) session.expel("unregistered");
    } else if (revoked.kind === "role") session.holder.knows(revoked.role, at);
    else if (proof !== undefined && isRevoked(proof, revoked)) session.close("revoked");
  }
}

function hearMessage(unanswered: Unanswered, { author, conversation }: Message): void {
  if (conversation.kind === "direct") unanswered.heard(author, otherOf(conversation, author));
}
