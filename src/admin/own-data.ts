/** All that is kept of a user, for the operator: told, or removed. */
import type { Name } from "../chat/names.js";
import { exportPart } from "../chat/own-data-commands.js";
import { exportedFields } from "../wire/json-export.js";
import type { Stores } from "./stores.js";

/** Whoever had the name when. */
const ALL_TIME = 0;

/** @returns false: there is no such user. @throws Unavailable */
export async function removed({ records }: Stores, name: Name, erases: boolean): Promise<boolean> {
  const outcome = await records.unregister({ name, sinceMs: ALL_TIME, erases });
  return outcome === "done";
}

/** As `exportData` of the SDK tells it to the user. @throws Unavailable */
export async function exported(stores: Stores, name: Name): Promise<Record<string, unknown>> {
  const { records, conversations, accounts, moderation } = stores;
  const known = (await moderation.sanctions())?.sanctions ?? [];
  const on = (wanted: "ban" | "mute") =>
    known.find(({ kind, target, untilMs = Infinity }) => {
      const isOn = target.kind === "name" && target.name === name && untilMs > Date.now();
      return kind === wanted && isOn;
    });
  const dependencies = {
    records,
    conversations,
    identity: { logins: () => accounts.logins(name) },
    sanctions: { banOf: () => on("ban"), muteOf: () => on("mute") },
  };
  const all: Record<string, unknown> = {};
  for (let after: string | undefined | null = null; after !== undefined;) {
    const part = await exportPart(dependencies, { name }, after ?? undefined, ALL_TIME);
    if (part === undefined) throw new Error("a part does not say where the next one begins");
    for (const [field, value] of Object.entries(exportedFields(part, name).data)) {
      const before = all[field];
      all[field] = Array.isArray(before) && Array.isArray(value) ? [...before, ...value] : value;
    }
    after = part.next;
  }
  return all;
}
