/** How the chat answers a claim. */
import type { RefusalDetails, RuleRefusal } from "../chat/commands.js";
import type { Position } from "../chat/events.js";
import type { IdentityRefusal } from "../chat/identity.js";

export type Failure = "unavailable" | "bug";
export type ClaimAnswer =
  | { readonly outcome: "new" | "back" | "joined"; readonly at: Position }
  /** `too_fast`: too many new names came from this address, or the client comes too often. A rule refused it, or nothing proved that the name is its own; or the claim failed. */
  | {
      readonly outcome: RuleRefusal | IdentityRefusal | "too_fast" | "taken" | "kept" | Failure;
      readonly details?: RefusalDetails | undefined;
    };
export type ReclaimAnswer =
  /** `at` is new if the name was claimed anew. */
  | { readonly outcome: "kept"; readonly at: Position | undefined }
  | { readonly outcome: "taken" | Failure };
export type ClaimOutcome = ClaimAnswer["outcome"];
