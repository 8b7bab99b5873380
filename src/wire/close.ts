/** Close codes, and what a client that knows them does next. RFC 6455 §7.4; PROTOCOL.md, closing. */
export const CLOSE = {
  /** The user signed out. */
  normal: 1000,
  /** The node is stopping: connect again. */
  serviceRestart: 1012,
  /** The name is held by another connection: do not connect again by yourself. */
  replaced: 4409,
} as const;
