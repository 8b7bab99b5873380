/** Messages that are somebody else's to remove, and what is kept of somebody else. */
import { told, type Chapter, type HostileCase } from "./hostile-case.js";
import { jsonFrame } from "./rogue.js";
import { SECRET, hears, scene } from "./strangers.js";

/** Removals by a stranger, after somebody has written to everybody; and whether that is still shown. */
function removes(requests: (seq: number) => readonly object[]): HostileCase["seen"] {
  return async (world) => {
    const { first, stranger } = await scene(world);
    const text = `kept ${world.newName()}`;
    first.write(jsonFrame({ type: "publish", id: 4, conv: "~", text }));
    const isStored = ({ payload }: { readonly payload: Buffer }): boolean =>
      payload.includes('"id":4');
    await first.heard(isStored);
    const { seq } = JSON.parse(first.frames.find(isStored)!.payload.toString()) as { seq: number };
    for (const request of requests(seq)) {
      stranger.write(jsonFrame({ type: "remove", id: 1, ...request }));
    }
    const got = await told(stranger, "json", "");
    first.write(jsonFrame({ type: "history", id: 5, conv: "~", before: seq + 1 }));
    await first.heard(({ payload }) => payload.includes('"id":5'));
    const page = first.frames.find(({ payload }) => payload.includes('"id":5'));
    first.destroy();
    return `${got}; ${page?.payload.includes(text) ? "it is shown" : "it is gone"}`;
  };
}

export const removal: Chapter = {
  title: "Removal and export",
  cases: [
    {
      sent: "the removal of another's message to everybody",
      expected: "error forbidden; lives; it is shown",
      seen: removes((seq) => [{ conv: "~", seq }]),
    },
    {
      sent: "removals of numbers that no message has",
      expected: "error not_found; error bad_frame; lives; it is shown",
      seen: removes((seq) => [
        ...[0, -1, 1.5, "1", 1e300, null].map((odd) => ({ conv: "~", seq: odd })),
        { conv: "~", seq: seq + 100_000 },
        { conv: "~", seq: Number.MAX_SAFE_INTEGER },
      ]),
    },
    {
      sent: "guesses at the message of two, to remove it",
      expected: "error not_found; error bad_frame; lives; both are shown it",
      seen: async (world) => {
        const { ana, bob, first, stranger } = await scene(world);
        const convs = [
          `@${ana}`,
          `@${bob}`,
          `@${ana}:${bob}`,
          `@${ana}@${bob}`,
          `${ana}:${bob}`,
          "#room",
        ];
        for (const conv of convs)
          stranger.write(jsonFrame({ type: "remove", id: 1, conv, seq: 1 }));
        const got = await told(stranger, "json", "");
        first.write(jsonFrame({ type: "history", id: 5, conv: `@${bob}` }));
        await first.heard(({ payload }) => payload.includes('"id":5'));
        const page = first.frames.find(({ payload }) => payload.includes('"id":5'));
        first.destroy();
        return `${got}; ${page?.payload.includes(SECRET) ? "both are shown it" : "it is gone"}`;
      },
    },
    {
      sent: "the removal of what the other of two wrote",
      expected: "error forbidden; lives; both are shown it",
      seen: async (world) => {
        const [ana, bob] = [world.newName(), world.newName()];
        const first = await world.named("json", ana);
        const second = await world.named("json", bob);
        first.write(jsonFrame({ type: "publish", id: 1, conv: `@${bob}`, text: SECRET }));
        await second.heard(({ payload }) => payload.includes(SECRET));
        second.write(jsonFrame({ type: "remove", id: 2, conv: `@${ana}`, seq: 1 }));
        const got = await told(second, "json", bob);
        first.write(jsonFrame({ type: "history", id: 5, conv: `@${bob}` }));
        await first.heard(({ payload }) => payload.includes('"id":5'));
        const page = first.frames.find(({ payload }) => payload.includes('"id":5'));
        first.destroy();
        return `${got}; ${page?.payload.includes(SECRET) ? "both are shown it" : "it is gone"}`;
      },
    },
    {
      sent: "an export, with guesses at the places of another's",
      expected: "hears nothing of it",
      seen: hears((ana, bob) => [
        { type: "export", id: 1 },
        { type: "export", id: 2, user: ana, name: ana },
        ...[
          ana,
          `@${ana}`,
          `@${bob}:0`,
          `${ana}:${bob}`,
          "0",
          "-1",
          "~",
          "~:1e9",
          "m:0:0",
          "*",
        ].map((after) => ({ type: "export", id: 3, after })),
      ]),
    },
  ],
};
