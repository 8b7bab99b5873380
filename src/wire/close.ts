/** Close codes, and what a client that knows them does next. RFC 6455 §7.4; PROTOCOL.md, closing. */
export const CLOSE = {
  /** The user signed out. */
  normal: 1000,
  /** The node is stopping: connect again. */
  serviceRestart: 1012,
  /** The name is held by another connection: do not connect again by yourself. */
  replaced: 4409,
  /** JSON: a hundred frames in a row that could not be read, or that came too fast. */
  badFrame: 4400,
  abuse: 4429,
  /** JSON: no hello in time. */
  noHello: 4408,
  /** JSON, the node's side: connect again, with jitter, and resume. */
  internal: 4500,
  slowReader: 4508,
  positionLost: 4510,
} as const;
