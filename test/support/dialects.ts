/** Every dialect, for tests that hold for all of them. A new one is a row here. */
import { SUBPROTOCOLS } from "#tertulia/gateway/upgrade-request.js";
import { classicDialect } from "#tertulia/wire/classic.js";
import type { Dialect } from "#tertulia/wire/dialect.js";
import { jsonDialect } from "#tertulia/wire/json-dialect.js";
import type { JsonSettings } from "#tertulia/wire/welcome.js";
import { wsProtocolDialect } from "#tertulia/wire/ws-protocol.js";

const options = { generalOrigin: "sender", replyMaxBytes: 4_096 } as const;
const wsProtocol = wsProtocolDialect(options);

const someSettings = {
  node: "gw-1",
  textMaxChars: 20,
  maxFrameBytes: 1_024,
  requestsPerSecond: 50,
};

/** By the names that histories and metrics have for them. */
export const dialects = {
  classic: { offer: SUBPROTOCOLS.classic, make: () => classicDialect(options, wsProtocol) },
  "ws-protocol": { offer: SUBPROTOCOLS.wsProtocol, make: () => wsProtocol },
  json: {
    offer: SUBPROTOCOLS.json,
    make: (json: JsonSettings = someSettings) => jsonDialect(json),
  },
} as const satisfies Readonly<
  Record<string, { offer: string | undefined; make: (json?: JsonSettings) => Dialect }>
>;
