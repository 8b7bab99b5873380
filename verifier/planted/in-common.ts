/** Changes that several planted bugs have in common, and the files that they change. */
import { atStart, replace, type Change } from "./change.js";

export const BUCKET = "redis/lua/1-bucket.lua";
export const USERS = "redis/lua/2-users.lua";
export const CLAIM = "redis/lua/3-claim.lua";
export const MESSAGES = "redis/lua/3-messages.lua";
export const READING = "redis/lua/3-reading.lua";
export const FORGETTING = "redis/lua/4-forgetting.lua";
export const DUTIES = "redis/lua/4-duties.lua";
export const ACCOUNTS = "redis/lua/4-accounts.lua";
export const REMOVAL = "redis/lua/3-removal.lua";
export const MODERATION = "redis/lua/4-moderation.lua";
export const HASHER = "identity/password-hasher.ts";
export const TOKENS = "identity/tokens.ts";
export const FEED = "redis/feed/feed.ts";
export const TRANSITION = "redis/feed/transition.ts";
export const STORE = "redis/conversation-store.ts";

/** After a failover, or on older data, no generation begins. */
export const replacedUnnoticed = (by: string): Change =>
  replace(
    BUCKET,
    "open",
    "if kept[1] ~= replid or (given[meta] and is_before(bucket, given[meta])) then",
    by,
  );

/** It is not noticed that the caller has seen a later position than there is. */
export const SEEN_UNNOTICED: Change = replace(
  BUCKET,
  "open",
  "elseif is_before(bucket, seen) then",
  "elseif false then",
);

/** A gateway sends a message back to its author before it is stored. */
export const ECHO: Change = atStart(
  "gateway/connection.ts",
  "Connection.run",
  `if (effect.type === 'execute' && effect.command.type === 'send' && this.dialect.frames === 'binary') {
      const message = { conversation: { kind: 'general' }, author: this.holder.name, text: effect.command.text };
      const echo = this.dialect.encodeNotice({ type: 'message', at: { generation: 0, offset: 0 }, message });
      this.#sendQueue.push(this.#codec.answer(echo));
    }`,
);

/** A claim takes the holder's lease for ended, or for alive, without a look at it. */
export const claimedIf = (hasEnded: boolean): Change =>
  replace(
    CLAIM,
    "claim",
    "return has_ended(bucket, bucket.nodes, holder.node, stall_ms)",
    `return ${hasEnded}`,
  );

/** After a new subscription the log is not read for what the last one missed. */
export const NO_CATCH_UP: Change = replace(
  FEED,
  "RedisFeed.#enterSubscription",
  'this.#enter(bucket, { type: "resubscribed" });',
  "",
);
