/** What a session asks, and what it is answered. PROTOCOL.md uses the same words. */
import type { Address, Conversation } from "./conversation.js";
import type { Message, Text } from "./events.js";
import type { Page, Range } from "./history.js";
import type { Name, Status, User } from "./names.js";

/** Asked by a session. */
export type Command =
  | {
      readonly type: "register";
      readonly name: Name;
      /** The name in characters, if its client writes characters: then it has to show what it is. */
      readonly written?: string;
    }
  | { readonly type: "list" }
  | { readonly type: "lookup"; readonly name: Name }
  | { readonly type: "status"; readonly name?: Name; readonly status: Status }
  | {
      readonly type: "send";
      readonly to: Address;
      readonly text: Text;
      /** The text in characters, if its client writes characters: then something of it must be seen. */
      readonly written?: string;
      /** Chosen by the sender, so that it can be sent again. */
      readonly mid?: string;
      /** Keep it for a recipient who is away, rather than refuse. */
      readonly mayWait?: boolean;
    }
  | { readonly type: "history"; readonly of: Address }
  | { readonly type: "page"; readonly of: Address; readonly range: Range }
  | { readonly type: "read"; readonly of: Address; readonly seq: number }
  | { readonly type: "typing"; readonly to: Address };

/** The answer to a command; `accepted` when its effect comes back through the feed. */
export type Reply =
  | { readonly type: "accepted" }
  | {
      readonly type: "stored";
      readonly message: Omit<Message, "text" | "author">;
      /** It was there already, under this id. */
      readonly repeated: boolean;
    }
  | { readonly type: "page"; readonly conversation: Conversation; readonly page: Page }
  | {
      readonly type: "read";
      readonly conversation: Conversation;
      readonly read: number;
      readonly unread: number;
    }
  | { readonly type: "registered"; readonly user: User }
  | { readonly type: "users"; readonly users: readonly User[] }
  | { readonly type: "user"; readonly user: User }
  | { readonly type: "unchanged"; readonly user: User }
  | { readonly type: "history"; readonly messages: readonly Message[] }
  | {
      readonly type: "refused";
      readonly refusal: Refusal;
      /** The limit that was passed, if it is one that an operator chooses. */
      readonly limit?: number;
    };

/** The chat says no, by name. */
export type Refusal =
  | "bad_name"
  | "name_taken"
  | "unknown_user"
  | "bad_status"
  | "empty_message"
  | "too_large"
  | "bad_message_id"
  | "unknown_room"
  | "recipient_disconnected"
  | "not_registered"
  | "forbidden"
  | "unavailable";
