/** All that the chat keeps of a user: gathered from its parts. */
import type { Events } from "../../wire/json-schema.js";
import type { RequestQueue } from "./request-queue.js";

/** What the chat keeps of you; later servers may tell more. Times in ms since 1970. */
export type ExportedData = NonNullable<Events["ok"]["data"]>;

export async function exportData(
  requests: Pick<RequestQueue, "send">,
  signal?: AbortSignal,
): Promise<ExportedData> {
  const all: Record<string, unknown> = {};
  let after: string | undefined;
  do {
    const request = { type: "export", after } as const;
    const { data = {}, next } = await requests.send({ request, isRetried: true, signal });
    for (const [field, part] of Object.entries(data)) {
      const before = all[field];
      all[field] = Array.isArray(before) && Array.isArray(part) ? [...before, ...part] : part;
    }
    after = next;
  } while (after !== undefined);
  return all;
}
