/** Rules of what is stored: acknowledged, numbered, in order. Pure. */
import type { Index, Message } from "./run-history.js";
import type { Rollbacks } from "./rollback.js";
import type { Finding } from "./rule.js";

export function acknowledgedIsStored({ messages, stored }: Index, rollbacks: Rollbacks): Finding {
  const acknowledged = [...messages.values()].filter(({ outcome }) => outcome === "ok");
  const wrong = acknowledged.flatMap(({ id, conv, answeredAt }) => {
    if (stored.has(id)) return [];
    const complaint = rollbacks.complaintOfAcknowledged(id, answeredAt!);
    if (complaint === undefined) return [];
    return [`${id} in ${conv}, acknowledged at ${answeredAt}, is lost ${complaint}`];
  });
  return { seen: acknowledged.length, wrong };
}

export function refusedIsNotStored({ messages, stored }: Index): Finding {
  const refused = [...messages.values()].filter(({ outcome }) => outcome === "fail");
  const wrong = refused
    .filter(({ id }) => stored.has(id))
    .map(({ id, conv }) => `${id} in ${conv}`);
  return { seen: refused.length, wrong };
}

export function storedOnce({ run, storedTwice }: Index): Finding {
  return { seen: run.truth.messages.length, wrong: storedTwice };
}

export function numbersAreGapless({ run, byConv }: Index): Finding {
  const wrong: string[] = [];
  for (const [conv, messages] of byConv) {
    for (const [i, { seq, id }] of messages.entries()) {
      const expected = i === 0 ? 1 : messages[i - 1]!.seq + 1;
      if (seq !== expected) wrong.push(`${conv}: ${id} has ${seq} where ${expected} was due`);
    }
  }
  return { seen: run.truth.messages.length, wrong };
}

export function realTimeOrder({ byConv, messages }: Index, rollbacks: Rollbacks): Finding {
  const wrong: string[] = [];
  let seen = 0;
  for (const [conv, stored] of byConv) {
    let latest: Message | undefined;
    let firstAnswerAt = Infinity;
    for (const { id } of stored) {
      const message = messages.get(id);
      if (message === undefined) continue;
      const isBeforeItsElder =
        message.outcome === "ok" &&
        latest !== undefined &&
        message.answeredAt! < latest.invokedAt &&
        !isExcused(message, rollbacks);
      if (isBeforeItsElder) {
        wrong.push(
          `${conv}: ${id} was acknowledged before ${latest!.id} was sent, but comes after it`,
        );
      }
      if (message.invokedAt > firstAnswerAt) seen++;
      if (message.outcome === "ok") firstAnswerAt = Math.min(firstAnswerAt, message.answeredAt!);
      if (latest === undefined || message.invokedAt > latest.invokedAt) latest = message;
    }
  }
  return { seen, wrong };
}

export function sessionOrder({ messages, stored }: Index, rollbacks: Rollbacks): Finding {
  const last = new Map<string, { id: string; seq: number }>();
  const wrong: string[] = [];
  let seen = 0;
  for (const message of messages.values()) {
    const { id, conv, session, outcome } = message;
    const seq = stored.get(id)?.seq;
    if (outcome !== "ok" || seq === undefined || isExcused(message, rollbacks)) continue;
    const key = `${session} ${conv}`;
    const before = last.get(key);
    if (before !== undefined) seen++;
    if (before !== undefined && before.seq > seq) {
      wrong.push(`${conv}: ${before.id} was sent before ${id}, but comes after it`);
    }
    last.set(key, { id, seq });
  }
  return { seen, wrong };
}

/** Looks at all that was ever published or stored: an epoch and a number never name two messages. */
export function numbersNameOneMessage({ run }: Index): Finding {
  const { events, messages } = run.truth;
  const numbered = [...events.flatMap(({ message }) => message ?? []), ...messages];
  const named = new Map<string, string>();
  const wrong: string[] = [];
  for (const { conv, epoch, seq, id } of numbered) {
    const key = `${conv}: epoch ${epoch}, number ${seq}`;
    const known = named.get(key);
    if (known !== undefined && known !== id) wrong.push(`${key} was ${known} and is ${id}`);
    named.set(key, id);
  }
  return { seen: numbered.length, wrong };
}

/** The message was acknowledged, taken back by a failover with a report, and stored again later by a retry. */
function isExcused({ id, answeredAt }: Message, rollbacks: Rollbacks): boolean {
  return (
    rollbacks.takenBack(id).length > 0 &&
    rollbacks.complaintOfAcknowledged(id, answeredAt!) === undefined
  );
}
