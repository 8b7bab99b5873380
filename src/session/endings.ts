/** Why connections end. */

/** Why a connection ended: the first reason counts. */
export type Ending =
  /** `detail`: told to the client, behind the reason. */
  | { readonly by: "node"; readonly why: CloseReason; readonly detail?: string | undefined }
  | { readonly by: "client"; readonly code: number }
  | { readonly by: "loss"; readonly why: string };

/** Why the node closes: each is a row of the table of close codes. */
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
  | "tokenExpired"
  | "revoked"
  | "unregistered"
  | "kicked"
  | "banned"
  | "internal"
  | "slowReader"
  | "positionLost";

/** Whether the client has lost its right to the name. */
export function expels(why: CloseReason): boolean {
  return why === "tokenExpired" || why === "revoked" || why === "unregistered";
}
