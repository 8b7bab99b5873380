/** How the chat answers a claim. */
import type { RuleRefusal } from "../chat/commands.js";
import type { Position } from "../chat/events.js";

export type Failure = "unavailable" | "bug";
export type ClaimAnswer =
  | { readonly outcome: "new" | "back" | "joined"; readonly at: Position }
  /** A rule refused it before anything was claimed, or the claim failed. */
  | { readonly outcome: RuleRefusal | "taken" | Failure };
export type ReclaimAnswer =
  /** `at` is new if the name was claimed anew. */
  | { readonly outcome: "kept"; readonly at: Position | undefined }
  | { readonly outcome: "taken" | Failure };
export type ClaimOutcome = ClaimAnswer["outcome"];
