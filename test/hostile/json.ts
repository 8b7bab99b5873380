/** JSON that no client writes, and what is meant to pass for something of the language. */
import { asked, told, type Chapter } from "./hostile-case.js";
import { TEXT, clientFrame, jsonFrame } from "./rogue.js";
import type { World } from "./world.js";

const DEPTH = 10_000;
const BAD = "error bad_frame; lives";
/** Names of every object in JavaScript. */
const INHERITED = ["__proto__", "constructor", "toString", "hasOwnProperty", "prototype"];

function frames(...texts: string[]): (world: World) => Promise<string> {
  return asked(
    "json",
    texts.map((text) => clientFrame(text, TEXT)),
  );
}

/** A request with these fields, asked by a user; said is the answer without what differs from run to run. */
function answer(
  request: object | string,
  fields: readonly string[],
  hello: object = {},
): (world: World) => Promise<string> {
  return async (world) => {
    const rogue = await world.named("json", undefined, hello);
    const text = typeof request === "string" ? request : JSON.stringify({ ...request, id: 7 });
    rogue.write(clientFrame(text, TEXT));
    const isAnswer = (payload: Buffer): boolean => payload.includes('"id":7');
    await rogue.heard(({ payload }) => isAnswer(payload));
    const found = rogue.frames.find(({ payload }) => isAnswer(payload));
    const said = JSON.parse(found?.payload.toString() ?? "{}") as Record<string, unknown>;
    const fate = await rogue.fate();
    rogue.destroy();
    const shown = fields.map((field) => `${field} ${JSON.stringify(said[field])}`);
    return [String(said["type"]), ...shown, fate].join("; ");
  };
}

const nested = (open: string, close: string): string => open.repeat(DEPTH) + close.repeat(DEPTH);

export const json: Chapter = {
  title: "JSON",
  cases: [
    { sent: "an array 10,000 deep", expected: BAD, seen: frames(nested("[", "]")) },
    {
      sent: "an object 10,000 deep",
      expected: BAD,
      seen: frames(`${'{"a":'.repeat(DEPTH)}1${"}".repeat(DEPTH)}`),
    },
    {
      sent: "a ping with a field 10,000 deep",
      expected: "pong; lives",
      seen: frames(`{"type":"ping","x":${nested("[", "]")}}`),
    },
    {
      sent: "10,000 brackets that are never closed",
      expected: BAD,
      seen: frames("[".repeat(DEPTH)),
    },
    ...[
      "null",
      "true",
      "7",
      '"ping"',
      "[]",
      '[{"type":"ping"}]',
      "{}",
      "",
      " ",
      "NaN",
      "{'type':'ping'}",
    ].map((text) => ({ sent: `\`${text}\``, expected: BAD, seen: frames(text) })),
    ...[
      "1e400",
      "-1e400",
      "1.5",
      "9007199254740993",
      "1".repeat(1_000),
      "{}",
      "[1]",
      "null",
      "true",
    ].map((id) => ({
      sent: `the \`id\` ${id.length > 20 ? "of 1,000 digits" : id}`,
      expected: BAD,
      seen: frames(`{"type":"ping","id":${id}}`),
    })),
    {
      sent: "the number 1e400 for a message",
      expected: BAD,
      seen: frames('{"type":"read","conv":"~","seq":1e400}'),
    },
    {
      sent: "a key twice",
      expected: "pong; lives",
      seen: frames('{"type":"publish","text":"x","type":"ping"}'),
    },
    {
      sent: '`{"__proto__":{"type":"ping"}}`',
      expected: BAD,
      seen: frames('{"__proto__":{"type":"ping"}}'),
    },
    ...INHERITED.map((type) => ({
      sent: `the type \`${type}\``,
      expected: "error unknown_type; lives",
      seen: frames(JSON.stringify({ type })),
    })),
    ...INHERITED.map((name) => ({
      sent: `the name \`${name}\`, and a message to oneself`,
      expected: "ok; lives",
      seen: async (world: World) => {
        const rogue = await world.named("json", name);
        rogue.write(jsonFrame({ type: "publish", conv: `@${name}`, text: "x" }));
        await rogue.heard(({ payload }) => payload.includes('"type":"ok"'));
        await rogue.heard(({ payload }) => payload.includes('"type":"message"'));
        return told(rogue, "json", name);
      },
    })),
    {
      sent: "a watch list of such names",
      expected: "ok; full true; lives",
      seen: answer({ type: "presence", watch: INHERITED }, ["full"]),
    },
    {
      sent: "a watch list of 501 names",
      expected: 'error; code "bad_frame"; lives',
      seen: answer({ type: "presence", watch: Array.from({ length: 501 }, (_, i) => `w${i}`) }, [
        "code",
      ]),
    },
    {
      sent: "a cursor of such names in `resume`",
      expected: "welcome; gap; lives",
      seen: async (world) => {
        const text =
          '{"__proto__":["0",1],"@__proto__":["zz",9],"@constructor":["zz",9],"~":["zz",9]}';
        const rogue = await world.rogue();
        await rogue.upgrade("/ws");
        const name = world.newName();
        rogue.write(clientFrame(`{"type":"hello","name":"${name}","resume":${text}}`, TEXT));
        await rogue.heard(
          ({ payload }) => payload.includes('"welcome"') || payload.includes('"error"'),
        );
        return told(rogue, "json", name);
      },
    },
    {
      sent: "1,400 cursors in `resume` of users who are none",
      expected: "welcome; lives",
      seen: async (world) => {
        const cursors = Array.from({ length: 1_400 }, (_, i) => [`@nobody-${i}`, ["zz", 9]]);
        const rogue = await world.rogue();
        await rogue.upgrade("/ws");
        const name = world.newName();
        rogue.write(jsonFrame({ type: "hello", name, resume: Object.fromEntries(cursors) }));
        await rogue.heard(
          ({ payload }) => payload.includes('"welcome"') || payload.includes('"error"'),
        );
        return (await told(rogue, "json", name)).replace("welcome; gap; lives", "welcome; lives");
      },
    },
    {
      sent: "half a character, `\\ud800`, in a text",
      expected: "ok; lives",
      seen: frames(String.raw`{"type":"publish","text":"\ud800"}`),
    },
    {
      sent: "an object for a text",
      expected: BAD,
      seen: frames('{"type":"publish","text":{"toString":1}}'),
    },
    {
      sent: "a `from` of one's own",
      expected: "ok; from undefined; lives",
      seen: answer({ type: "publish", text: "x", from: "honest-json", user: "honest-json" }, [
        "from",
      ]),
    },
    { sent: "`history` from -1", expected: BAD, seen: frames('{"type":"history","after":-1}') },
    {
      sent: "a `limit` of 10^9",
      expected: BAD,
      seen: frames('{"type":"history","limit":1000000000}'),
    },
    {
      sent: "events of the server",
      expected: "error unknown_type; lives",
      seen: frames('{"type":"welcome"}', '{"type":"gap"}'),
    },
    {
      sent: "100 frames that are none, at once",
      expected: "error bad_frame; closed with 4400 or 4429",
      seen: async (world) => {
        const all = Buffer.concat(Array.from({ length: 120 }, () => jsonFrame("x")));
        const said = await asked("json", all)(world);
        return said.replace("error rate_limited; ", "").replace(/44(?:00|29)/, "4400 or 4429");
      },
    },
    {
      sent: "requests before a hello",
      expected: "error unauthenticated; lives",
      seen: async (world) => {
        const rogue = await world.rogue();
        await rogue.upgrade("/ws");
        for (const type of ["history", "presence", "user"])
          rogue.write(jsonFrame({ type, user: "x" }));
        return told(rogue, "json", "");
      },
    },
  ],
};
