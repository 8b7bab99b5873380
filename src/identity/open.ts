/** `IDENTITY=open`: whoever takes a free name is that person, so nothing has to be proved. */
import type { Identity, Refused } from "../chat/identity.js";

const NO_ACCOUNTS: Refused = { outcome: "refused", refusal: "no_accounts" };
const NO_TOKENS: Refused = { outcome: "refused", refusal: "no_tokens" };

/** What there is only in a chat with accounts. */
export const WITHOUT_ACCOUNTS: Omit<Identity, "provesNames" | "prove" | "refresh" | "roleOf"> = {
  register: async () => NO_ACCOUNTS,
  logIn: async () => NO_ACCOUNTS,
  changePassword: async () => NO_ACCOUNTS,
  logins: async () => NO_ACCOUNTS,
  confirm: async () => ({ outcome: "confirmed", version: undefined }),
};

/** What there is only in a chat with tokens. */
export const WITHOUT_TOKENS: Pick<Identity, "refresh"> = { refresh: async () => NO_TOKENS };

export const OPEN: Identity = {
  ...WITHOUT_ACCOUNTS,
  ...WITHOUT_TOKENS,
  provesNames: false,
  prove: async () => ({ outcome: "proved", proof: undefined }),
  roleOf: async () => "user", // who takes a name has not shown that the role is its own
};
