/** How the commands of the operator are written. */

export const USAGE = `npm run admin -- COMMAND …
node dist/admin/main.js COMMAND …                 the same, in the image

  kick NAME                        closes the user's connections
  ban NAME | --address RANGE       closes them, and lets nobody in under this name, or from this address
  unban NAME | --address RANGE
  mute NAME                        the user may read, and not write
  unmute NAME
  role NAME moderator|operator|user
                                   what the user of an account may do besides, also on open connections
  revoke NAME                      ends all login sessions, and every token that was issued until now
  password NAME                    gives the user a new password, and tells it; makes the account if there is none
  unregister NAME [--erase]        removes the user from all buckets; what it wrote is nobody's then, or goes
  export NAME                      all that is kept of the user, as JSON
  messages [--last 20]             what was written to everybody, and its numbers
  remove NUMBER                    removes one of them for all readers
  sanctions                        who is banned or muted, until when and why
  log [--last 50]                  who did what, newest first

  NAME              as it is, or as logs show it: \\xff is a byte, \\u{202e} a character, \\\\ a backslash
  --address RANGE   192.0.2.7, 192.0.2.0/24, 2001:db8::/48
  --for TIME        30s, 10m, 2h, 7d; without it, for good
  --reason TEXT     told to whom it concerns
  --by NAME         who does it, for the log; without it, who is logged in on this machine
  --json            for programs

The environment says which Redis, as for a gateway (REDIS_URL, REDIS_PREFIX …). Gateways follow within two seconds.
Exit codes: 0 done; 1 there was nothing to lift, no account, no such user or message; 2 it could not be done.`;

/** A mistake in the command line. */
export class UsageError extends Error {
  override readonly name = "UsageError";

  constructor(message: string) {
    super(`${message} (--help shows how)`);
  }
}
