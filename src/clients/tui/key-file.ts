/** The key of a name, kept on this machine: the chat keeps the name for who has it. */
import { isKey } from "../sdk/argument-checks.js";
import { randomId } from "../sdk/platform.js";
import { readState, stateFile, writeState, type Environment } from "./state-file.js";

/**
 * The key of a name at a host. It is made the first time.
 *
 * @returns undefined if nothing can be kept here: then the name is not kept either
 */
export function keptKey(url: string, name: string, environment: Environment): string | undefined {
  const given = environment["TERTULIA_KEY"];
  if (isKey(given)) return given;
  const where = stateFile("keys", url, name, environment);
  const read = (): string | undefined => {
    const key = readState(where);
    return isKey(key) ? key : undefined;
  };
  return read() ?? (writeState(where, randomId(), "make") ? read() : undefined);
}
