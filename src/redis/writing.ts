/** Writes that are answered when the replicas have them, too, where messages are. */
import type { MessageWriter } from "./append-queue.js";
import type { FunctionLibrary } from "./function-library.js";
import { retrying } from "./retry.js";

/**
 * @param write may be made again, on the library that it is given
 * @param replicasOf how many replicas were connected, by the answer
 * @throws Unavailable if there is no answer in time, or too few replicas are known to have it
 */
export function writing<Answer>(
  { library, replication }: MessageWriter,
  withinMs: number,
  write: (library: FunctionLibrary) => Promise<Answer>,
  replicasOf: (answer: Answer) => number,
): Promise<Answer> {
  const once = (): Promise<Answer> => write(library);
  return retrying(withinMs, () =>
    replication === undefined ? once() : replication.covering(once, replicasOf),
  );
}
