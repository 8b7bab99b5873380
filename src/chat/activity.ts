/** Which commands count as activity of a person. Pure. */
import type { Command } from "./commands.js";
import type { Name } from "./names.js";
import type { ActivityKind } from "./ports.js";

/** What a person does. Clients send all other commands by themselves, too. PROTOCOL.md, activity. */
export function activityOf(command: Command, self: Name): ActivityKind | "status" | undefined {
  switch (command.type) {
    case "send":
      return "message";
    case "typing":
      return "typing";
    case "status": // the user chooses it: what the user did before no longer changes it
      return (command.name ?? self) === self ? "status" : undefined;
    case "register":
    case "list":
    case "lookup":
    case "history":
    case "page":
    case "read":
    case "remove":
    case "password":
    case "logins":
    case "refresh":
    case "block":
    case "blocks":
    case "moderate":
    case "sanctions":
    case "audit":
    case "unregister":
    case "export":
      return undefined;
    default:
      return command satisfies never;
  }
}
