/** What is somebody else's: keys, histories, marks, names; and values in Redis that nobody should have written. */
import { asked, told, type Chapter, type HostileCase } from "./hostile-case.js";
import { clientFrame, jsonFrame, type Rogue } from "./rogue.js";
import { L, type World } from "./world.js";

export const SECRET = "the secret of two";
const BUCKETS = Array.from({ length: 16 }, (_, i) => String(i).padStart(2, "0"));

/** Two users with a secret, and a stranger. */
export async function scene(
  world: World,
): Promise<{ ana: string; bob: string; first: Rogue; stranger: Rogue }> {
  const [ana, bob] = [world.newName(), world.newName()];
  const first = await world.named("json", ana, { key: `key-of-${ana}` });
  await world.named("json", bob);
  first.write(jsonFrame({ type: "publish", id: 1, conv: `@${bob}`, text: SECRET }));
  await first.heard(({ payload }) => payload.includes('"id":1'));
  return { ana, bob, first, stranger: await world.named("json") };
}

/** Whether a stranger who asks all this hears the secret. */
export function hears(
  requests: (ana: string, bob: string) => readonly object[],
): HostileCase["seen"] {
  return async (world) => {
    const { ana, bob, stranger } = await scene(world);
    const all = requests(ana, bob);
    for (const request of all) stranger.write(jsonFrame(request));
    stranger.write(jsonFrame({ type: "ping", id: "end" }));
    await stranger.heard(({ payload }) => payload.includes('"id":"end"'));
    const isHeard = stranger.frames.some(({ payload }) => payload.includes(SECRET));
    stranger.destroy();
    return isHeard ? "hears it" : "hears nothing of it";
  };
}

/** Hellos with these keys, for a name that is held; told is what they got. */
function hellos(keys: (ana: string) => readonly string[]): HostileCase["seen"] {
  return async (world) => {
    const { ana } = await scene(world);
    const said = [];
    for (const key of keys(ana)) {
      const rogue = await world.rogue();
      await rogue.upgrade("/ws");
      rogue.write(jsonFrame({ type: "hello", name: ana, key }));
      await rogue.heard(({ payload }) => /"(?:welcome|error)"/.test(payload.toString()));
      said.push(await told(rogue, "json", ana));
    }
    return [...new Set(said)].join(" or ");
  };
}

/** Something that is written to Redis past all gateways; both live afterwards, and the others chat. */
function poison(act: (redis: World["redis"]["client"]) => Promise<unknown>): HostileCase["seen"] {
  return async (world) => {
    await act(world.redis.client);
    await world.isWell();
    return "everybody else chats";
  };
}

export const strangers: Chapter = {
  title: "Strangers",
  cases: [
    {
      sent: "guesses at a conversation of two",
      expected: "hears nothing of it",
      seen: hears((ana, bob) =>
        [
          `@${ana}`,
          `@${bob}`,
          `@${ana}:${bob}`,
          `@${ana}@${bob}`,
          `@${ana}\0${bob}`,
          `${ana}:${bob}`,
        ].map((conv) => ({
          type: "history",
          conv,
        })),
      ),
    },
    {
      sent: "a cursor for it, a watch on both, a mark in it",
      expected: "hears nothing of it",
      seen: hears((ana, bob) => [
        { type: "presence", watch: [ana, bob] },
        { type: "read", conv: `@${ana}`, seq: 1 },
        { type: "user", user: ana },
      ]),
    },
    {
      sent: "guesses at it in bytes",
      expected: "hears nothing of it",
      seen: async (world) => {
        const { ana, bob } = await scene(world);
        const name = world.newName();
        const rogue = await world.named("classic", name);
        for (const chat of [ana, bob, `${ana}:${bob}`, `${ana}\0${bob}`, `~${ana}`])
          rogue.write(clientFrame([5, ...L(chat)]));
        await rogue.fate();
        const isHeard = rogue.frames.some(({ payload }) => payload.includes(SECRET));
        rogue.destroy();
        return isHeard ? "hears it" : "hears nothing of it";
      },
    },
    {
      sent: "another's mark, guessed",
      expected: "read 0",
      seen: async (world) => {
        const { bob, stranger } = await scene(world);
        stranger.write(jsonFrame({ type: "read", id: 9, conv: `@${bob}`, seq: 1 }));
        await stranger.heard(({ payload }) => payload.includes('"id":9'));
        const { payload } = stranger.frames.find((each) => each.payload.includes('"id":9'))!;
        stranger.destroy();
        return `read ${String((JSON.parse(payload.toString()) as { read?: number }).read)}`;
      },
    },
    {
      sent: "moderation, by a name that is called operator",
      expected: "error forbidden; lives",
      seen: async (world) => {
        const name = `operator-${world.newName()}`;
        const rogue = await world.named("json", name, { role: "operator" });
        for (const request of [
          { type: "moderate", act: "kick", user: "honest-json" },
          { type: "moderate", act: "ban", address: "127.0.0.1" },
          { type: "sanctions" },
          { type: "audit" },
        ]) {
          rogue.write(jsonFrame({ id: 1, ...request }));
        }
        return told(rogue, "json", name);
      },
    },
    {
      sent: "a status for another (bytes)",
      expected: "error 7; lives",
      seen: async (world) => {
        const { ana } = await scene(world);
        const name = world.newName();
        const rogue = await world.named("classic", name);
        rogue.write(clientFrame([3, ...L(ana), 2]));
        return told(rogue, "classic", name);
      },
    },
    {
      sent: "a name that is held, without its key",
      expected: "error name_taken; lives",
      seen: hellos(() => ["a-key-of-mine", "0", "key-of-", "__proto__"]),
    },
    {
      sent: "the right key with a byte more, less, or another",
      expected: "error name_taken; lives",
      seen: hellos((ana) => [`key-of-${ana}x`, `key-of-${ana}`.slice(0, -1), `KEY-OF-${ana}`]),
    },
    {
      sent: "keys that are none",
      expected: "error bad_frame; lives",
      seen: hellos(() => ["", " ", "*", "x".repeat(65), "k\r\n"]),
    },
    {
      sent: "a name that was left and is kept for its key, with another key",
      expected: "error name_kept; lives",
      seen: async (world) => {
        const { ana, first } = await scene(world);
        first.write(jsonFrame({ type: "bye" }));
        await first.ended();
        const rogue = await world.rogue();
        await rogue.upgrade("/ws");
        rogue.write(jsonFrame({ type: "hello", name: ana, key: "a-key-of-mine" }));
        await rogue.heard(({ payload }) => /"(?:welcome|error)"/.test(payload.toString()));
        return told(rogue, "json", ana);
      },
    },
    {
      sent: "a name of bytes that was left, taken for its private history",
      expected: "hears nothing of it",
      seen: async (world) => {
        const [name, bob] = [world.newName(), world.newName()];
        await world.named("classic", bob);
        const owner = await world.named("classic", name);
        owner.write(clientFrame([4, ...L(bob), ...L(SECRET)]));
        await owner.heard(({ payload }) => payload[0] === 55 && payload.includes(SECRET));
        owner.write(clientFrame([3, 0])); // signs out
        await owner.ended();
        const thief = await world.named("classic", name);
        thief.write(clientFrame([5, ...L(bob)]));
        await thief.heard(({ payload }) => payload[0] === 56);
        const isHeard = thief.frames.some(({ payload }) => payload.includes(SECRET));
        thief.destroy();
        return isHeard ? "hears it" : "hears nothing of it";
      },
    },
    ...["", "x", "\u0010\u00FF".repeat(50)].map((announced) => ({
      sent: `an announcement of ${announced.length} bytes of nothing in each bucket's channel of Redis`,
      expected: "everybody else chats; it is logged",
      seen: async (world: World) => {
        const chats = await poison((redis) =>
          Promise.all(
            BUCKETS.map((bucket) => redis.publish(`tertulia:{${bucket}}:log`, announced)),
          ),
        )(world);
        // one line a minute of each gateway
        const isLogged = world
          .lines()
          .some(({ event, place }) => event === "value_damaged" && place === "channel");
        return `${chats}; ${isLogged ? "it is logged" : "nobody is told"}`;
      },
    })),
    {
      sent: "a damaged record of a user in each bucket of Redis, and a list",
      expected: "51; lives",
      seen: async (world) => {
        await Promise.all(
          BUCKETS.map((bucket) =>
            world.redis.client.hset(`tertulia:{${bucket}}:users`, `damaged-${bucket}`, "\u0007x"),
          ),
        );
        return asked("classic", clientFrame([1]))(world);
      },
    },
    {
      sent: "keys of others in Redis with this prefix",
      expected: "everybody else chats",
      seen: poison(async (redis) => {
        await redis.set("tertulia:x", "y");
        await redis.set("tertulia:{0}:unknown", "y");
        await redis.hset("tertulia:{99}:users", "a", "b");
      }),
    },
  ],
};
