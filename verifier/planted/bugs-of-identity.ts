/** Planted bugs of identity and moderation: what proves a name, what ends, who is banned, kicked or muted. */
import type { Bug } from "./bug.js";
import { atStart, replace } from "./change.js";
import { ACCOUNTS, HASHER, MESSAGES, MODERATION, REMOVAL, TOKENS } from "./in-common.js";

const AT_ONCE = { faults: [], minutes: 0 } as const;
const OF_ACCOUNTS = { scenario: "accounts", ...AT_ONCE } as const;
const OF_TOKENS = { scenario: "tokens", ...AT_ONCE } as const;
const OF_RIGHTS = { scenario: "rights", ...AT_ONCE } as const;
const OF_MODERATION = { scenario: "moderation", ...AT_ONCE } as const;

export const BUGS_OF_IDENTITY: Readonly<Record<string, Bug>> = {
  "wrong-password-accepted": {
    changes: [
      replace(
        HASHER,
        "PasswordHasher.#verify",
        "timingSafeEqual(found, hash) && kept !== undefined",
        "kept !== undefined",
      ),
    ],
    breaks: ["names-are-proved"],
    ...OF_ACCOUNTS,
  },
  "wrong-password-accepted-in-a-crowd": {
    // when another password is looked at, this one counts as right
    changes: [
      replace(
        HASHER,
        "PasswordHasher.#verify",
        "timingSafeEqual(found, hash) && kept !== undefined",
        "(timingSafeEqual(found, hash) || this.#taken > 1) && kept !== undefined",
      ),
    ],
    identity: "accounts",
    breaks: ["names-are-proved"],
    faults: [],
    minutes: 0.4,
  },
  "ended-login-accepted": {
    changes: [
      replace(ACCOUNTS, "end_logins", "redis.call('HDEL', account, field)", ""),
      replace(ACCOUNTS, "end_logins", "announce_revoked(bucket, log, name, 'login', own)", ""),
    ],
    breaks: ["names-are-proved", "ended-is-closed"],
    ...OF_ACCOUNTS,
  },
  "password-change-ends-nothing": {
    changes: [
      replace(
        ACCOUNTS,
        "set_password",
        "string.sub(field, 1, 6) == 'login:' and field ~= 'login:' .. but",
        "false",
      ),
    ],
    breaks: ["names-are-proved"],
    ...OF_ACCOUNTS,
  },
  "revoked-stay": {
    // others cannot come by what was revoked, but who is there is not closed
    changes: [
      replace("gateway/notice-router.ts", "closeRevoked", "isRevoked(proof, revoked)", "false"),
    ],
    breaks: ["ended-is-closed"],
    ...OF_ACCOUNTS,
  },
  "login-sessions-unknown": {
    changes: [replace(ACCOUNTS, "find_login", "now_ms() - login.used > tonumber(args[2])", "true")],
    breaks: ["proof-lets-in"],
    ...OF_ACCOUNTS,
  },
  "guesses-uncounted": {
    changes: [replace(ACCOUNTS, "try_password", "if wait > 0 then", "if false then")],
    breaks: ["guesses-are-slowed"],
    ...OF_ACCOUNTS,
  },
  "unknown-names-told": {
    changes: [
      replace(
        "identity/accounts.ts",
        "Accounts.#check",
        "this.#inPlace(network, (place) => this.#checkIn(place, name, password, network))",
        `this.#inPlace(network, async (place) => {
          const checked = await this.#checkIn(place, name, password, network);
          const { account } = await this.#store.attempt(name, "another network");
          return "outcome" in checked && account === undefined ? refused("login_required") : checked;
        })`,
      ),
    ],
    breaks: ["accounts-are-not-told"],
    ...OF_ACCOUNTS,
  },
  "forged-token-accepted": {
    changes: [
      replace(
        TOKENS,
        "Tokens.#verified",
        `const { payload } = await (typeof key === "function"
          ? jwtVerify(token, key, options)
          : jwtVerify(token, key, options));`,
        'const payload = JSON.parse(Buffer.from(token.split(".")[1], "base64url").toString());',
      ),
    ],
    breaks: ["names-are-proved"],
    ...OF_TOKENS,
  },
  "anothers-token-accepted": {
    changes: [replace(TOKENS, "Tokens.prove", "claims.sub !== textOf(name)", "false")],
    breaks: ["names-are-proved"],
    ...OF_TOKENS,
  },
  "expired-token-accepted": {
    changes: [
      replace(TOKENS, "Tokens.constructor", "clockTolerance: LEEWAY_S", "clockTolerance: 86_400"),
      replace("gateway/expiry.ts", "closeExpired", "endsAtMs <= nowMs", "false"),
    ],
    breaks: ["names-are-proved", "ended-is-closed"],
    ...OF_TOKENS,
  },
  "any-token-is-for-us": {
    // the audience is not looked at
    changes: [
      replace(TOKENS, "Tokens.constructor", "...(audience !== undefined && { audience }),", ""),
    ],
    breaks: ["names-are-proved"],
    ...OF_TOKENS,
  },
  "revoked-token-accepted": {
    changes: [
      replace(
        ACCOUNTS,
        "claim_proved",
        "if not is_good then return { 'revoked' } end",
        "if not is_good and kind ~= 'token' then return { 'revoked' } end",
      ),
    ],
    breaks: ["names-are-proved"],
    ...OF_TOKENS,
  },
  "ban-closes-nobody": {
    changes: [
      replace(
        "gateway/moderator.ts",
        "Moderator.#enforce",
        'if (ban !== undefined) return session.close("banned", toldOf(ban));',
        "",
      ),
    ],
    breaks: ["banned-are-out"],
    ...OF_MODERATION,
  },
  "banned-name-let-in": {
    changes: [
      replace(
        "chat/chat.ts",
        "Chat.mayJoin",
        'this.#sanctions.banOf(name) === undefined ? undefined : "banned"',
        "undefined",
      ),
      replace("gateway/upgrader.ts", "Upgrader.#bannedOf", "bans.banOf(name)", "undefined"),
    ],
    breaks: ["banned-are-out"],
    ...OF_MODERATION,
  },
  "banned-address-let-in": {
    changes: [
      replace(
        "gateway/upgrader.ts",
        "Upgrader.#bannedOf",
        "bans.banOfAddress(address)",
        "undefined",
      ),
    ],
    breaks: ["banned-are-out"],
    ...OF_MODERATION,
  },
  "kick-closes-nobody": {
    changes: [atStart("gateway/sanction-list.ts", "SanctionList.newKickOf", "return undefined;")],
    breaks: ["kicked-are-closed"],
    ...OF_MODERATION,
  },
  "mute-ignored": {
    changes: [atStart("chat/chat.ts", "Chat.#muteOf", "return undefined;")],
    breaks: ["muted-are-unheard"],
    ...OF_MODERATION,
  },
  "ban-for-good": {
    // what is lifted stays in force
    changes: [
      replace(MODERATION, "lift", "redis.call('HDEL', sanctions, what)", ""),
      replace(MODERATION, "lift", "return redis.call('ZREM', all_ends, what)", "return 1"),
    ],
    breaks: ["lifted-is-over"],
    ...OF_MODERATION,
  },
  "anybody-acts": {
    changes: [
      replace("chat/policy.ts", "mayModerate", "rankOf(role) < MODERATOR", "false"),
      replace(
        "chat/policy.ts",
        "mayModerate",
        'rankOf(facts?.role ?? "user") < rankOf(role) ? undefined : "forbidden"',
        "undefined",
      ),
    ],
    breaks: ["only-moderators-act"],
    ...OF_RIGHTS,
  },
  "anybody-removes": {
    changes: [replace(REMOVAL, "why_not_removed", "author ~= user or time < since", "false")],
    breaks: ["only-own-is-removed"],
    ...OF_RIGHTS,
  },
  "removed-text-stays": {
    changes: [
      replace(REMOVAL, "bury", "redis.call('XDEL', history, string.format('%.0f-0', seq))", ""),
    ],
    breaks: ["removed-is-nowhere"],
    ...OF_RIGHTS,
  },
  "block-ignored": {
    changes: [
      replace(
        MESSAGES,
        "append",
        "local is_blocked = found.blocks and found.blocks[to]",
        "local is_blocked = false",
      ),
    ],
    breaks: ["blocked-is-unheard"],
    ...OF_RIGHTS,
  },
};
