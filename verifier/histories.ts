/** Asks for the private histories of a run's byte clients, when all is quiet. */
import type { Client } from "./client.js";
import type { ShownHistory } from "./rules/shown.js";

export async function historiesOf(clients: readonly Client[]): Promise<ShownHistory[]> {
  const histories: ShownHistory[] = [];
  for (const client of clients) {
    const { name, peers } = client.settings;
    for (const peer of peers) {
      const { session } = client;
      const ids = await client.historyWith(peer);
      // it may have connected again meanwhile
      if (session === undefined || client.session !== session) continue;
      histories.push({ conv: [name, peer].toSorted().join("|"), session, ids });
    }
  }
  return histories;
}
