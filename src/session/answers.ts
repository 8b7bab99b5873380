/** How the chat answers a claim. */
import type { Position } from "../chat/events.js";

export type Failure = "unavailable" | "bug";
export type ClaimAnswer =
  | { readonly outcome: "new" | "back" | "joined"; readonly at: Position }
  | { readonly outcome: "taken" | "bad_name" | Failure };
export type ReclaimAnswer =
  /** `at` is new if the name was claimed anew. */
  | { readonly outcome: "kept"; readonly at: Position | undefined }
  | { readonly outcome: "taken" | Failure };
export type ClaimOutcome = ClaimAnswer["outcome"];
