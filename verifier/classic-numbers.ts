/**
 * Numbers of the classic dialect, from PROTOCOL.md and not from the code: the referee is independent on purpose, so
 * that it notices a gateway that uses others.
 */
export const OP = { lookup: 2, send: 4, history: 5 } as const;

export const CODE = {
  error: 50,
  user: 52,
  registered: 53,
  status: 54,
  message: 55,
  history: 56,
} as const;
