/** The lines of a stream, which end with LF or CRLF only, not with other line ends of Unicode. */
import { addAbortSignal, type Readable } from "node:stream";

/** Ends with the input, or when the signal is aborted. A last line without a line end counts. */
export async function* linesOf(input: Readable, signal: AbortSignal): AsyncGenerator<string> {
  addAbortSignal(signal, input.setEncoding("utf8"));
  let begun = "";
  try {
    for await (const chunk of input as AsyncIterable<string>) {
      const [first, ...others] = chunk.split("\n");
      begun += first;
      for (const next of others) {
        yield withoutReturn(begun);
        begun = next;
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  if (begun !== "") yield withoutReturn(begun);
}

function withoutReturn(line: string): string {
  return line.endsWith("\r") ? line.slice(0, -1) : line;
}
