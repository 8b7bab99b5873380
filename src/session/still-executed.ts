/** What is still done for a client that has gone. */
import type { ChatCommand } from "./requests.js";
import type { SessionState } from "./state.js";

/** Whether the command is still executed if its client has disconnected. */
export function isStillExecuted(
  command: ChatCommand,
  { traits, transport }: SessionState,
): boolean {
  if (transport.kind !== "closed") return true;
  switch (command.type) {
    case "send":
    case "remove":
      return true;
    case "status":
    case "read":
    case "typing":
      return traits.afterDisconnect === "all-but-queries";
    case "list":
    case "lookup":
    case "history":
    case "page":
    case "refresh":
    case "blocks":
    case "sanctions":
    case "audit":
    case "export":
      return false; // nobody would get the answer
    case "password":
    case "logins":
    case "moderate":
    case "block":
    case "unregister":
      return true;
    default:
      return command satisfies never;
  }
}
