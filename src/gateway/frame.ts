/**
 * A frame as it goes over the wire, header and payload in one piece: built once, however many sockets
 * it is written to. RFC 6455 §5.2; servers do not mask.
 */
declare const frameBrand: unique symbol;

export type Frame = Buffer & { readonly [frameBrand]: true };

const FINAL_TEXT = 0x81;
const FINAL_BINARY = 0x82;

export function frameOf(payload: Uint8Array, kind: "binary" | "text"): Frame {
  const { length } = payload;
  const headerBytes = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  const frame = Buffer.allocUnsafe(headerBytes + length);
  frame[0] = kind === "text" ? FINAL_TEXT : FINAL_BINARY;
  if (headerBytes === 2) frame[1] = length;
  else if (headerBytes === 4) {
    frame[1] = 126;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = 127;
    frame.writeBigUInt64BE(BigInt(length), 2);
  }
  frame.set(payload, headerBytes);
  return frame as Frame;
}
