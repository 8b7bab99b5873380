/** A dialect whose codec has a bug: it throws where it must not. */
import type { Output } from "#tertulia/session/requests.js";
import type { Dialect } from "#tertulia/wire/dialect.js";

/** `decode`: at every frame but the first. An output: whenever it is encoded. */
export type ThrowsAt = "decode" | Output["type"];

export function withBug(dialect: Dialect, throwsAt: ThrowsAt): Dialect {
  const decodeRequest = (frame: Uint8Array, isFirst: boolean): unknown => {
    if (throwsAt === "decode" && !isFirst) throw new Error("planted");
    return { ...dialect.decodeRequest(frame, isFirst), dialect: broken };
  };
  const encodeOutput: Dialect["encodeOutput"] = (output, to) => {
    if (output.type === throwsAt) throw new Error("planted");
    return dialect.encodeOutput(output, to);
  };
  const broken = { ...dialect, decodeRequest, encodeOutput } as Dialect;
  return broken;
}
