/** The welcome: what a JSON client is told first. PROTOCOL.md, JSON. */
import type { Proof } from "../chat/identity.js";
import type { Name } from "../chat/names.js";
import { epochText } from "./epoch.js";
import { endOf, idOf, unreadOf } from "./json.js";
import { convOf, textFromName } from "./json-names.js";
import type { Events, Request } from "./json-schema.js";
import type { Resumed } from "../session/resumed.js";

export interface JsonSettings {
  readonly node: string;
  /** Characters of a text. */
  readonly textMaxChars: number;
  /** Bytes of a frame, as said to clients. */
  readonly maxFrameBytes: number;
  readonly requestsPerSecond: number;
}

/** Who is welcome. */
interface Welcomed {
  readonly name: Name;
  readonly key: string;
  readonly proof: Proof | undefined;
}

export function welcomeOf(
  id: Request["id"],
  { name, key, proof }: Welcomed,
  { node, textMaxChars, maxFrameBytes, requestsPerSecond }: JsonSettings,
  conversations: readonly Resumed[],
): Events["welcome"] {
  return {
    type: "welcome",
    ...idOf(id),
    user: textFromName(name),
    key,
    ...(proof !== undefined && shownOf(proof)),
    node,
    limits: { text: textMaxChars, frame: maxFrameBytes, perSecond: requestsPerSecond },
    conversations: conversations.map((each) => described(each, name)),
  };
}

function shownOf(proof: Proof): Pick<Events["welcome"], "session" | "role" | "expires"> {
  const { session, role } = proof;
  return { ...(session !== undefined && { session }), role, ...endOf(proof) };
}

function described(
  { state, after, gaps }: Resumed,
  reader: Name,
): Events["welcome"]["conversations"][number] {
  return {
    conv: convOf(state.conversation, reader),
    epoch: epochText(state.epoch),
    head: state.head,
    floor: state.floor,
    ...(state.time > 0 && { ts: state.time }),
    read: state.read,
    unread: unreadOf(state),
    after,
    recovered: gaps.length === 0,
  };
}
