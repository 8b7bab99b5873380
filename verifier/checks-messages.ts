/** Checkers of what is stored: acknowledged, numbered, in order. Pure. */
import type { Index, Message, Stored } from "./indexed.js";
import type { Rollbacks } from "./rollback.js";

export function acknowledgedIsStored({ messages, stored }: Index, rollbacks: Rollbacks): string[] {
  return [...messages.values()].flatMap(({ id, conv, outcome, answeredAt }) => {
    if (outcome !== "ok" || stored.has(id)) return [];
    const complaint = rollbacks.complaintOfAcknowledged(id, answeredAt!);
    if (complaint === undefined) return [];
    return [`${id} in ${conv}, acknowledged at ${answeredAt}, is lost ${complaint}`];
  });
}

export function refusedIsNotStored({ messages, stored }: Index): string[] {
  return [...messages.values()]
    .filter(({ id, outcome }) => outcome === "fail" && stored.has(id))
    .map(({ id, conv }) => `${id} in ${conv}`);
}

export function numbersAreGapless({ byConv }: Index): string[] {
  const holes: string[] = [];
  for (const [conv, messages] of byConv) {
    for (const [i, { seq, id }] of messages.entries()) {
      const expected = i === 0 ? 1 : messages[i - 1]!.seq + 1;
      if (seq !== expected) holes.push(`${conv}: ${id} has ${seq} where ${expected} was due`);
    }
  }
  return holes;
}

export function realTimeOrder({ byConv, messages }: Index, rollbacks: Rollbacks): string[] {
  const wrong: string[] = [];
  for (const [conv, stored] of byConv) {
    let latest: Message | undefined;
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
      if (latest === undefined || message.invokedAt > latest.invokedAt) latest = message;
    }
  }
  return wrong;
}

export function sessionOrder({ messages, stored }: Index, rollbacks: Rollbacks): string[] {
  const last = new Map<string, { id: string; seq: number }>();
  const wrong: string[] = [];
  for (const message of messages.values()) {
    const { id, conv, session, outcome } = message;
    const seq = stored.get(id)?.seq;
    if (outcome !== "ok" || seq === undefined || isExcused(message, rollbacks)) continue;
    const key = `${session} ${conv}`;
    const before = last.get(key);
    if (before !== undefined && before.seq > seq) {
      wrong.push(`${conv}: ${before.id} was sent before ${id}, but comes after it`);
    }
    last.set(key, { id, seq });
  }
  return wrong;
}

/** In all that was ever published or stored: what a reader remembers of a message names no other. */
export function numbersNameOneMessage({ run }: Index): string[] {
  const named = new Map<string, string>();
  const wrong: string[] = [];
  const take = ({ conv, epoch, seq, id }: Stored): void => {
    const key = `${conv}: epoch ${epoch}, number ${seq}`;
    const known = named.get(key);
    if (known !== undefined && known !== id) wrong.push(`${key} was ${known} and is ${id}`);
    named.set(key, id);
  };
  for (const { message } of run.truth.events) if (message !== undefined) take(message);
  for (const message of run.truth.messages) take(message);
  return wrong;
}

/** It was acknowledged, taken back by a failover, announced so, and stored again by a retry: later. */
function isExcused({ id, answeredAt }: Message, rollbacks: Rollbacks): boolean {
  return (
    rollbacks.takenBack(id).length > 0 &&
    rollbacks.complaintOfAcknowledged(id, answeredAt!) === undefined
  );
}
