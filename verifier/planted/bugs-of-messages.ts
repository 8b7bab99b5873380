/** Planted bugs of messages: what is stored, numbered, acknowledged, and in which order. */
import type { Bug } from "./bug.js";
import { atStart, replace } from "./change.js";
import { ECHO, MESSAGES, STORE } from "./in-common.js";

export const BUGS_OF_MESSAGES: Readonly<Record<string, Bug>> = {
  "no-dedupe": {
    // a batch whose answer was lost is stored once more
    changes: [replace(MESSAGES, "append", "if repeated then", "if false then")],
    breaks: ["stored-once"],
    faults: ["mute-redis"],
    minutes: 0.5,
  },
  "forgotten-ids": {
    // a message that a client sends again is stored once more
    changes: [replace(MESSAGES, "append", "id and ids.known[id]", "false")],
    breaks: ["stored-once"],
    faults: ["kill-gateway", "cut-clients"],
    minutes: 0.5,
  },
  "increment-before-append": {
    // the number is taken, then the append is refused: a number is never used
    changes: [
      replace(
        MESSAGES,
        "store",
        "local seq = found.seq + 1",
        "local seq = found.seq + 1 if seq % 20 == 19 then found.seq = seq redis.call('HSET', found.conversation, 'seq', seq) return nil, 'OOM refused' end",
      ),
    ],
    breaks: ["numbers-without-holes"],
    faults: [],
    minutes: 0.3,
  },
  "acknowledge-before-write": {
    changes: [
      atStart(
        STORE,
        "RedisConversationStore.append",
        "if (Math.random() < 0.01) return { seq: 0, epoch: 0, time: 0, repeated: false };",
      ),
      ECHO,
    ],
    breaks: ["acknowledged-is-stored"],
    faults: [],
    minutes: 0.2,
  },
  "local-echo": { changes: [ECHO], breaks: ["heard-once-in-order"], faults: [], minutes: 0.2 },
  "stored-later": {
    // a message is acknowledged at once, and stored behind messages that were sent after that
    changes: [
      ECHO,
      atStart(
        STORE,
        "RedisConversationStore.append",
        "if (Math.random() < 0.4) await new Promise((r) => setTimeout(r, 500));",
      ),
    ],
    breaks: ["real-time-order"],
    faults: [],
    minutes: 0.2,
  },
  "refused-but-stored": {
    changes: [
      atStart(
        "chat/chat.ts",
        "Chat.#send",
        "if (Math.random() < 0.01) { const conversation = conversationOf(to, author.name); this.#conversations.append({ author, conversation, mid: this.#all.newMessageId(), mayRepeat: false, text }).catch(() => {}); return { type: 'refused', refusal: 'unknown_user' }; }",
      ),
    ],
    breaks: ["refused-is-not-stored"],
    faults: [],
    minutes: 0.2,
  },
  "reconnects-late": {
    // a gateway waits before it looks for the new primary
    changes: [
      replace(
        "redis/connect.ts",
        "connectRedis",
        "Math.min(FIRST_WAIT_MS * 2 ** attempt, MOST_WAIT_MS)",
        "12_000",
      ),
    ],
    topology: "sentinel",
    breaks: ["writable-after-failover"],
    faults: ["failover"],
    minutes: 0.2,
  },
  "commands-in-parallel": {
    changes: [
      atStart(
        STORE,
        "RedisConversationStore.append",
        "if (Math.random() < 0.01) await new Promise((r) => setTimeout(r, 50));",
      ),
      // the next request begins while this one is under way
      atStart(
        "gateway/session-chat.ts",
        "SessionChat.#execute",
        "if (command.type === 'send') { this.#dependencies.chat.execute(this.#session.holder, command).catch(() => {}); return this.#machine.put({ type: 'answered', reply: { type: 'accepted' } }); }",
      ),
    ],
    breaks: ["session-order"],
    faults: [],
    minutes: 0.2,
  },
  "confirmed-by-those-left": {
    // one replica has been promoted; the old primary takes the answer of the other one for enough
    changes: [
      replace("redis/replication.ts", "Replication.covering", "!this.#isWhole(connected)", "false"),
    ],
    topology: "sentinel",
    ack: "replicated",
    breaks: ["acknowledged-is-stored"],
    faults: ["asked-failover"],
    minutes: 1.5,
  },
};
