/** How a connection comes to its end. */

/** The first to end a connection says why. */
export type Ending =
  | { readonly by: "node"; readonly why: CloseReason }
  | { readonly by: "client"; readonly code: number }
  | { readonly by: "loss"; readonly why: string };

/** Why this side closes: rows of the table of close codes. */
export type CloseReason =
  | "signedOut"
  | "bye"
  | "restarting"
  | "cannotServe"
  | "cannotServeJson"
  | "eventsMissed"
  | "badFrames"
  | "tooFast"
  | "noHello"
  | "replaced"
  | "internal"
  | "slowReader"
  | "positionLost";
