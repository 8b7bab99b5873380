/** Where users have roles: who acts that may not, on whom nobody may, and what is no act. */
import type { Role } from "#tertulia/chat/identity.js";
import { told, type Chapter, type HostileCase } from "./hostile-case.js";
import { jsonFrame } from "./rogue.js";
import type { World } from "./world.js";

const ACTS = ["kick", "ban", "unban", "mute", "unmute"];

/** What a user of this role got for these requests about another one, and what became of both. */
function acts(
  by: Role,
  on: Role,
  requests: (other: string, own: string) => readonly object[],
): HostileCase["seen"] {
  return async (world) => {
    const [name, other] = [world.newName(), world.newName()];
    const victim = await world.withRole(on, other);
    const rogue = await world.withRole(by, name);
    for (const request of requests(other, name)) rogue.write(jsonFrame({ id: 1, ...request }));
    const got = await told(rogue, "json", name);
    const fate = await victim.fate();
    victim.destroy();
    return `${got}; the other ${fate}`;
  };
}

const everyAct = (other: string): object[] =>
  ACTS.map((act) => ({ type: "moderate", act, user: other }));
const bad = (fields: readonly object[]): HostileCase["seen"] =>
  acts("operator", "user", (user) =>
    fields.map((each) => ({ type: "moderate", act: "ban", user, ...each })),
  );
const FORBIDDEN = "error forbidden; lives; the other lives";
const BAD = "error bad_frame; lives; the other lives";

/** A ban of such a name; the others chat. */
function banned(names: readonly string[]): HostileCase["seen"] {
  return async (world) => {
    const by = world.newName();
    const rogue = await world.withRole("operator", by);
    for (const user of names) {
      rogue.write(jsonFrame({ type: "moderate", id: 1, act: "ban", user, for: 60_000 }));
    }
    const got = await told(rogue, "json", by);
    await isKnown(world);
    return `${got}; the others chat`;
  };
}

/** Until gateways have looked for sanctions again, and then once more. */
async function isKnown(world: World): Promise<void> {
  const [by, other] = [world.newName(), world.newName()];
  const [mod, kicked] = [await world.withRole("moderator", by), await world.named("json", other)];
  mod.write(jsonFrame({ type: "moderate", id: 1, act: "kick", user: other }));
  await kicked.ended();
  mod.destroy();
  await world.isWell();
}

export const moderation: Chapter = {
  title: "Moderation",
  world: "accounts",
  cases: [
    { sent: "each act, by a user", expected: FORBIDDEN, seen: acts("user", "user", everyAct) },
    {
      sent: "each act, by a user, with a role in the request",
      expected: FORBIDDEN,
      seen: acts("user", "user", (other) =>
        everyAct(other).map((act) => ({ ...act, role: "operator", by: "@root", proof: {} })),
      ),
    },
    {
      sent: "an address banned, by a user",
      expected: FORBIDDEN,
      seen: acts("user", "user", () => [{ type: "moderate", act: "ban", address: "127.0.0.1" }]),
    },
    {
      sent: "what is forbidden to whom, and who acted, asked by a user",
      expected: FORBIDDEN,
      seen: acts("user", "user", () => [{ type: "sanctions" }, { type: "audit", limit: 200 }]),
    },
    {
      sent: "each act on a moderator, by a moderator",
      expected: FORBIDDEN,
      seen: acts("moderator", "moderator", everyAct),
    },
    {
      sent: "each act on an operator, by a moderator",
      expected: FORBIDDEN,
      seen: acts("moderator", "operator", everyAct),
    },
    {
      sent: "each act on an operator, by an operator",
      expected: FORBIDDEN,
      seen: acts("operator", "operator", everyAct),
    },
    {
      sent: "each act on oneself, by a moderator",
      expected: FORBIDDEN,
      seen: acts("moderator", "user", (_, own) => everyAct(own)),
    },
    {
      sent: "an address banned, by a moderator",
      expected: FORBIDDEN,
      seen: acts("moderator", "user", () => [
        { type: "moderate", act: "ban", address: "192.0.2.7" },
      ]),
    },
    {
      sent: "everybody's addresses banned, by an operator",
      expected: BAD,
      seen: acts("operator", "user", () =>
        ["0.0.0.0/0", "::/0", "0/0", "*", "", "127.0.0.1/33", "::1%lo", "localhost"].map(
          (address) => ({ type: "moderate", act: "ban", address }),
        ),
      ),
    },
    {
      sent: "bans for odd times",
      expected: BAD,
      seen: bad(
        [0, -1, 1.5, 1e300, "1h", Number.MAX_SAFE_INTEGER, null].map((time) => ({ for: time })),
      ),
    },
    {
      sent: "reasons of several lines, with control characters, or too long",
      expected: BAD,
      seen: bad(["a\nb", "a\u0000", "\u001B[2J", "x".repeat(201), 7].map((reason) => ({ reason }))),
    },
    {
      sent: "acts that are none",
      expected: BAD,
      seen: bad(["exile", "", "BAN", "__proto__", null, ["ban"]].map((act) => ({ act }))),
    },
    {
      sent: "more acts of the log than there may be, and fewer than one",
      expected: BAD,
      seen: acts("operator", "user", () =>
        [0, -1, 201, 1e9, "all"].map((limit) => ({ type: "audit", limit })),
      ),
    },
    {
      sent: "names banned that are none",
      expected: "error bad_name; lives; the others chat",
      seen: banned(["~", "#room", "@honest-json"]),
    },
    {
      sent: "names banned that are patterns or fields of objects",
      expected: "ok; lives; the others chat",
      seen: banned(["*", "honest-*", "__proto__", "constructor", "version", "{00}", "ban =x"]),
    },
    {
      sent: "a kick that is sent again under its mid",
      expected: "ok; lives; kicked once",
      seen: async (world) => {
        const [by, other] = [world.newName(), world.newName()];
        const mod = await world.withRole("moderator", by);
        const first = await world.named("json", other);
        const kick = { type: "moderate", id: 1, act: "kick", user: other, mid: "m" };
        mod.write(jsonFrame(kick));
        await first.ended();
        const second = await world.named("json", other);
        for (let i = 0; i < 5; i++) mod.write(jsonFrame(kick));
        const got = await told(mod, "json", by);
        await isKnown(world);
        const fate = await second.fate();
        second.destroy();
        return `${got}; ${fate === "lives" ? "kicked once" : "kicked again"}`;
      },
    },
  ],
};
