/** The timers of a session, and how long each runs. */
export const TIMERS_MS = {
  /** One client loses what comes right behind the 101 reply. PROTOCOL.md, connecting. */
  settle: 25,
  hello: 10_000,
  /** How long what a client has asked for is still carried out after it is gone. */
  patience: 5_000,
  /** How long a request waits while the name is in doubt. */
  doubt: 5_000,
  /** How long a client that has begun to close waits for the answer. */
  answer: 2_000,
  /** How long the client may take to answer a close frame. */
  farewell: 2_000,
  /** How long a client waits for the news of its own sign-out. */
  goodbye: 2_000,
} as const;

export type Timer = keyof typeof TIMERS_MS;
