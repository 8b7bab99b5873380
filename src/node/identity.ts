/** Whose a name is, by the configuration. */
import type { Identity } from "../chat/identity.js";
import type { Config } from "../config.js";
import { Accounts } from "../identity/accounts.js";
import { OPEN } from "../identity/open.js";
import { PasswordHasher } from "../identity/password-hasher.js";
import type { AccountStore } from "../identity/ports.js";

export function createIdentity(config: Config, accounts: AccountStore): Identity {
  switch (config.IDENTITY) {
    case "open":
      return OPEN;
    case "accounts": {
      const settings = { mayRegister: config.REGISTRATION === "open" };
      return new Accounts(accounts, new PasswordHasher(), settings);
    }
    default:
      return config.IDENTITY satisfies never;
  }
}
