/** The length-prefixed fields of the classic dialects. Runs anywhere. */

/** Reads fields from a frame. If the frame is too short for a field, it is undefined. */
export class FieldReader {
  readonly #frame: Uint8Array;
  #offset: number;

  constructor(frame: Uint8Array, offset: number) {
    this.#frame = frame;
    this.#offset = offset;
  }

  get remaining(): number {
    return this.#frame.length - this.#offset;
  }

  byte(): number | undefined {
    return this.#frame[this.#offset++];
  }

  /** `L(x)`: one length byte, then that many bytes. */
  field(): Uint8Array | undefined {
    const length = this.byte();
    if (length === undefined || length > this.remaining) return undefined;
    const start = this.#offset;
    this.#offset += length;
    return this.#frame.subarray(start, this.#offset);
  }
}

/** A frame of these parts: a number is one byte, a byte array becomes `L(x)`. */
export function frameOf(...parts: readonly (number | Uint8Array)[]): Uint8Array {
  let size = 0;
  for (const part of parts) size += typeof part === "number" ? 1 : 1 + part.length;
  const frame = new Uint8Array(size);
  let offset = 0;
  for (const part of parts) {
    if (typeof part === "number") frame[offset++] = part;
    else {
      frame[offset++] = part.length;
      frame.set(part, offset);
      offset += part.length;
    }
  }
  return frame;
}

/** The first bytes of a text, at most so many, without cutting a UTF-8 character. */
export function cutAtCharacter(text: Uint8Array, most: number): Uint8Array {
  if (text.length <= most) return text;
  let end = most;
  while (end > 0 && end > most - 3 && (text[end]! & 0xc0) === 0x80) end--;
  const isInsideCharacter = (text[end]! & 0xc0) === 0x80;
  return text.subarray(0, isInsideCharacter ? most : end);
}
