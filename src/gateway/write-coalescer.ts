/**
 * Write coalescing: frames that are queued within a window leave in one write, because system calls are most of the cost
 * of a fan-out. A flush that took long makes the next window longer: a busy node writes less often, instead of falling
 * further and further behind.
 */
import { longerUnderLoad, type WindowLength } from "../window.js";

/** What only one client waits for. On a busy node an answer and its message mostly leave together. */
const MIN_REPLY_MS = 2;
const MAX_REPLY_MS = 5;
/** What everybody gets leaves no more often than a screen shows it: a write costs more than the frames in it. */
const MIN_BROADCAST_MS = 16;
const MAX_BROADCAST_MS = 50;
/** A write takes some eight microseconds: to write to everybody costs about a twentieth of a core at most. */
const BROADCAST_MS_PER_SESSION = 0.16;
/** Who came and went is told no later than to JSON clients. PROTOCOL.md, presence. */
const MAX_PRESENCE_MS = 250;

/** For frames that only one client waits for, as replies: two milliseconds, or as long as the last flush took. */
export const replyWindow: WindowLength = (lastFlushMs) =>
  Math.min(Math.max(MIN_REPLY_MS, lastFlushMs), MAX_REPLY_MS);

/**
 * For frames that everybody gets: longer with more sessions. On a busy node, flushes of up to 16 ms take a quarter of the
 * time at most.
 *
 * @param sessions those of this node, at the moment
 */
export function broadcastWindow(sessions: () => number): WindowLength {
  return (lastFlushMs, load) => {
    const length = Math.max(sessions() * BROADCAST_MS_PER_SESSION, (1 + 2 * load()) * lastFlushMs);
    return Math.min(Math.max(MIN_BROADCAST_MS, length), MAX_BROADCAST_MS);
  };
}

/**
 * For presence that everybody gets. While many join at once the node is busy, and each of them is told of all others: a
 * write per listener and join, or few.
 */
export const presenceWindow: WindowLength = longerUnderLoad(
  MIN_BROADCAST_MS,
  MAX_PRESENCE_MS - MIN_BROADCAST_MS,
);
