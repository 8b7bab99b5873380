/** Whose a name is, by the configuration. */
import type { Identity } from "../chat/identity.js";
import type { Config } from "../config.js";
import { Accounts } from "../identity/accounts.js";
import { OPEN } from "../identity/open.js";
import { PasswordHasher } from "../identity/password-hasher.js";
import type { AccountStore } from "../identity/ports.js";
import { Tokens } from "../identity/tokens.js";

export function createIdentity(
  config: Config,
  accounts: AccountStore,
  nowMs: () => number,
): Identity {
  switch (config.IDENTITY) {
    case "open":
      return OPEN;
    case "accounts": {
      const settings = { mayRegister: config.REGISTRATION === "open" };
      return new Accounts(accounts, new PasswordHasher(), settings);
    }
    case "token": {
      const { TOKEN_SECRET: secret, TOKEN_JWKS_URL: url, TOKEN_ISSUER: issuer } = config;
      return new Tokens(accounts, {
        keys: secret === undefined ? { url: url! } : { secret }, // config/identity.ts: there is one of them
        issuer,
        audience: config.TOKEN_AUDIENCE,
        roleClaim: config.TOKEN_ROLE_CLAIM,
        nowMs,
      });
    }
    default:
      return config.IDENTITY satisfies never;
  }
}
