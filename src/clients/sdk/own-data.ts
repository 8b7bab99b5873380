/** All that the chat keeps of a user: gathered from its parts. */
import type { ExportedData } from "./events.js";
import type { RequestQueue } from "./request-queue.js";

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
