/** As fast as a socket takes it: what does one client get, and do the others still chat? */
import { asked, told, type Chapter, type HostileCase } from "./hostile-case.js";
import { clientFrame, jsonFrame } from "./rogue.js";
import { L, type Dialect, type World } from "./world.js";

/** So many frames, and the kinds of answers; a connection that is held up lives when it has been read. */
function flood(dialect: Dialect, count: number, ...frames: Buffer[]): HostileCase["seen"] {
  return async (world) => {
    const name = world.newName();
    const rogue = await world.named(dialect, name);
    const once = Buffer.concat(frames);
    const all = Buffer.concat(Array.from({ length: count / frames.length }, () => once));
    await Promise.race([rogue.writeAll(all), rogue.ended()]);
    await world.isWell(); // while much of it is still to be done
    rogue.destroy();
    await world.isWell();
    return "the others chat";
  };
}

/** Names taken and left, one after the other; then the others chat. */
function registrations(count: number): HostileCase["seen"] {
  return async (world) => {
    for (let i = 0; i < count; i++) {
      const rogue = await world.rogue();
      await rogue.upgrade(`/?name=${world.newName()}`);
      rogue.destroy();
    }
    await world.isWell();
    return "the others chat";
  };
}

function readers(count: number): HostileCase["seen"] {
  return async (world: World) => {
    const rogues = await Promise.all(Array.from({ length: count }, () => world.rogue()));
    await Promise.all(rogues.map((rogue) => rogue.upgrade("/ws")));
    for (const rogue of rogues) {
      rogue.socket.pause();
      rogue.write(jsonFrame({ type: "hello", name: world.newName() }));
      for (let i = 0; i < 5; i++) rogue.write(jsonFrame({ type: "history", limit: 200 }));
    }
    for (let i = 0; i < 5; i++) await world.isWell();
    for (const rogue of rogues) rogue.destroy();
    await world.isWell();
    return "the others chat";
  };
}

const list = clientFrame([1]);
const rows: readonly (readonly [sent: string, seen: HostileCase["seen"]])[] = [
  ["100,000 empty frames (bytes)", flood("classic", 100_000, clientFrame(""))],
  ["100,000 unknown ops (bytes)", flood("classic", 100_000, clientFrame([99]))],
  ["100,000 pings (bytes)", flood("classic", 100_000, clientFrame("p", 0x89))],
  ["2,000 lists (bytes)", flood("classic", 2_000, list)],
  ["2,000 lists (ws-protocol)", flood("ws-protocol", 2_000, list)],
  ["2,000 histories (bytes)", flood("classic", 2_000, clientFrame([5, ...L("~")]))],
  [
    "2,000 questions about users (bytes)",
    flood("classic", 2_000, clientFrame([2, ...L("honest-bytes")])),
  ],
  [
    "2,000 statuses, busy and active in turn (bytes)",
    flood("classic", 2_000, clientFrame([3, 2]), clientFrame([3, 1])),
  ],
  [
    "2,000 private messages to one (bytes)",
    flood("classic", 2_000, clientFrame([4, ...L("honest-bytes"), ...L("x")])),
  ],
  [
    "2,000 messages to everybody (bytes)",
    flood("classic", 2_000, clientFrame([4, ...L("~"), ...L("x")])),
  ],
  ["2,000 exports (JSON)", flood("json", 2_000, jsonFrame({ type: "export" }))],
  [
    "2,000 messages and removals of them (JSON)",
    flood(
      "json",
      2_000,
      jsonFrame({ type: "publish", conv: "~", text: "x" }),
      jsonFrame({ type: "remove", conv: "~", seq: 1 }),
    ),
  ],
  [
    "2,000 acts that are not allowed (JSON)",
    flood("json", 2_000, jsonFrame({ type: "moderate", act: "kick", user: "honest-json" })),
  ],
  ["2,000 histories (JSON)", flood("json", 2_000, jsonFrame({ type: "history" }))],
  ["2,000 presence requests (JSON)", flood("json", 2_000, jsonFrame({ type: "presence" }))],
  ["2,000 typing notices (JSON)", flood("json", 2_000, jsonFrame({ type: "typing", conv: "~" }))],
  [
    "2,000 private messages (JSON)",
    flood("json", 2_000, jsonFrame({ type: "publish", conv: "@honest-json", text: "x" })),
  ],
  [
    "2,000 messages to everybody (JSON)",
    flood("json", 2_000, jsonFrame({ type: "publish", text: "x" })),
  ],
  ["200 names, taken and left", registrations(200)],
  ["1,000 JSON clients that never read what they asked for", readers(1_000)],
];

export const floods: Chapter = {
  title: "Floods",
  cases: [
    ...rows.map(([sent, seen]) => ({ sent, expected: "the others chat", seen })),
    {
      sent: "100,000 empty frames, and what the client is told (bytes)",
      expected: "error 8; closed with 4429",
      seen: asked(
        "classic",
        Array.from({ length: 100_000 }, () => clientFrame("")),
      ),
    },
    {
      sent: "100,000 unknown ops, and what the client is told (ws-protocol)",
      expected: "error 8; closed with 4429",
      seen: asked(
        "ws-protocol",
        Array.from({ length: 100_000 }, () => clientFrame([99])),
      ),
    },
    {
      sent: "50 lists, for which there are no tokens: they wait (bytes)",
      expected: "51; lives",
      seen: asked(
        "classic",
        Array.from({ length: 50 }, () => list),
      ),
    },
    {
      sent: "1,000 histories, and what the client is told (JSON)",
      expected: "ok; error rate_limited; closed with 4429",
      seen: async (world) => {
        const name = world.newName();
        const rogue = await world.named("json", name);
        const frame = jsonFrame({ type: "history" });
        await rogue.writeAll(Buffer.concat(Array.from({ length: 1_000 }, () => frame)));
        return told(rogue, "json", name);
      },
    },
  ],
};
