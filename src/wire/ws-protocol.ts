/**
 * The dialect with the subprotocol `ws-protocol`: classic, with a total T in front of the fields of op 4, 51 and
 * 55, and a request that registers. PROTOCOL.md, ws-protocol.
 */
import type { Reply } from "../chat/commands.js";
import type { Notice } from "../chat/events.js";
import { nameFromBytes } from "../chat/names.js";
import { FieldReader, frameOf } from "./bytes.js";
import {
  CODE,
  OP,
  decodeClassic,
  encodeNotice,
  encodeReply,
  messageFields,
  usersFrame,
} from "./classic.js";
import type { ByteCodec, ByteDialect, ClassicOptions, Decoded } from "./dialect.js";
import { recognising } from "./recognise.js";

export function wsProtocolDialect(configured: ClassicOptions): ByteDialect {
  const codec = (options: ClassicOptions): ByteCodec => ({
    name: "ws-protocol",
    decode,
    encodeReply(reply: Reply, op?: number) {
      if (reply.type !== "users" || op === OP.directory) return encodeReply(reply, options, op);
      return totalled(usersFrame(CODE.users, reply.users, options.replyMaxBytes - 3));
    },
    encodeNotice(notice: Notice) {
      if (notice.type !== "message" || notice.message.removes !== undefined) {
        return encodeNotice(notice, options);
      }
      return totalled(frameOf(CODE.message, ...messageFields(notice.message, options)));
    },
  });
  return recognising(configured, codec, { mustGreet: true });
}

function decode(frame: Uint8Array): Decoded {
  if (frame[0] !== OP.register) return decodeClassic(frame, "wsProtocol");
  const fields = new FieldReader(frame, 1);
  const name = fields.field();
  if (name === undefined) return { kind: "ignored", why: "truncated" };
  const password = fields.field();
  const shown =
    password === undefined
      ? undefined
      : ({ kind: "password", password: Uint8Array.from(password), mayRegister: true } as const);
  return { kind: "command", command: { type: "register", name: nameFromBytes(name), shown } };
}

/** The frame with T behind its code: the length of what follows it, modulo 256. It is no limit: it only tells layouts apart. */
function totalled(frame: Uint8Array): Uint8Array {
  const told = new Uint8Array(frame.length + 1);
  told[0] = frame[0]!;
  told[1] = (frame.length - 1) % 256;
  told.set(frame.subarray(1), 2);
  return told;
}
