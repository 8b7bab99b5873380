/** Names and texts that mean something to Redis, to HTTP, to a log, or to the eye. */
import { told, type Chapter, type HostileCase } from "./hostile-case.js";
import { clientFrame, jsonFrame } from "./rogue.js";
import { L, type World } from "./world.js";

/** What a byte client gets that takes this name and sends itself a message. */
function taken(name: string | Buffer): HostileCase["seen"] {
  const bytes = Buffer.from(name);
  return async (world) => {
    const rogue = await world.rogue();
    const escaped = bytes.toString("latin1").replaceAll(/[^]/g, escape);
    const status = await rogue.upgrade(`/?name=${escaped}`);
    if (status === "101") rogue.write(clientFrame([4, ...L(bytes), ...L("note")]));
    const isNote = (payload: Buffer): boolean => payload[0] === 55 && payload.includes("note");
    if (status === "101") await rogue.heard(({ payload }) => isNote(payload));
    const heard = rogue.frames.find(({ payload }) => isNote(payload))?.payload;
    rogue.destroy();
    if (heard === undefined) return status;
    const isSame = heard.equals(Buffer.from([55, ...L(bytes), ...L("note")]));
    return `${status}; a message to oneself ${isSame ? "with these bytes" : "with other bytes"}`;
  };
}

function escape(byte: string): string {
  return `%${byte.charCodeAt(0).toString(16).padStart(2, "0")}`;
}

function hello(name: string): HostileCase["seen"] {
  return async (world) => {
    const rogue = await world.rogue();
    await rogue.upgrade("/ws");
    rogue.write(jsonFrame({ type: "hello", name }));
    await rogue.heard(({ payload }) => /"(?:welcome|error)"/.test(payload.toString()));
    return told(rogue, "json", name);
  };
}

/** Whether a text comes back as it was sent. */
function said(text: string): HostileCase["seen"] {
  return async (world) => {
    const name = world.newName();
    const rogue = await world.named("classic", name);
    const expected = Buffer.from([55, ...L(name), ...L(text)]);
    rogue.write(clientFrame([4, ...L(name), ...L(text)]));
    await rogue.heard(({ payload }) => payload[0] === 55 && payload.includes(name));
    const isSame = rogue.frames.some(({ payload }) => payload.equals(expected));
    const fate = await rogue.fate();
    rogue.destroy();
    return `${isSame ? "comes back as it was" : "is changed"}; ${fate}`;
  };
}

/** Names that a person takes for "ana". */
const MODELS = ["ana\u202E", "ana\u200B", "ana ", " ana", "аna"];
const MEANT_FOR_REDIS = [
  "{x}",
  "{}",
  "}{",
  "*",
  "[a-z]*",
  "?",
  "a:b:c",
  "tertulia:{0}:users",
  "\\",
  "'",
  '"',
];
const AS_SENT = "101; a message to oneself with these bytes";

export const names: Chapter = {
  title: "Names and texts",
  cases: [
    ...MEANT_FOR_REDIS.map((name) => ({
      sent: `the name \`${name}\``,
      expected: AS_SENT,
      seen: taken(name),
    })),
    ...[
      "a\r\nb",
      "a\nb",
      "a\0b",
      "\u001B[31mred",
      "\u007F",
      "~",
      "#room",
      "@ana",
      "x".repeat(65),
    ].map((name) => ({
      sent: `the name ${name.length > 20 ? "of 65 bytes" : JSON.stringify(name)}`,
      expected: "400",
      seen: taken(name),
    })),
    {
      sent: "a name that is no UTF-8: real clients cut names",
      expected: AS_SENT,
      seen: taken(Buffer.from([0xc3, 0x28, 0xff])),
    },
    ...MODELS.map((name) => ({
      sent: `a name in JSON that looks like another, ${JSON.stringify(name).replaceAll(/[^\x20-\x7e]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`)}`,
      expected: name === "аna" ? "welcome; lives" : "error bad_name; lives",
      seen: hello(name),
    })),
    ...["ana\u202E", "ana\u200B", "ana "].map((name) => ({
      sent: `the same in bytes, ${JSON.stringify(name).replaceAll(/[^\x20-\x7e]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`)}`,
      expected: "400",
      seen: taken(name),
    })),
    ...[
      "\r\nFLUSHALL\r\n",
      "*1\r\n$8\r\nFLUSHALL\r\n",
      "{0}",
      "%s%n%x",
      "$(reboot)",
      "<script>alert(1)</script>",
      "\u001B]0;owned\u0007",
    ].map((text) => ({
      sent: `the text ${JSON.stringify(text)}`,
      expected: "comes back as it was; lives",
      seen: said(text),
    })),
    {
      sent: "a name that would begin a new line in the log",
      expected: "each line of the log is one object of JSON",
      seen: async (world) => {
        const seen = taken('","level":60,"event":"owned","x":"');
        await seen(world);
        return world.lines().every(({ event }) => event !== "owned")
          ? "each line of the log is one object of JSON"
          : "a line of the attacker's is in the log";
      },
    },
    {
      sent: "a secret text and a key",
      expected: "neither is in a log",
      seen: async (world) => {
        const rogue = await world.named("json", undefined, { key: "my-key-is-secret" });
        rogue.write(jsonFrame({ type: "publish", text: "my-text-is-secret" }));
        rogue.write(jsonFrame({ type: "publish", text: ["my-text-is-secret"] }));
        await rogue.heard(({ payload }) => payload.includes("bad_frame"));
        rogue.destroy();
        return isLogged(world, "is-secret") ? "one is in a log" : "neither is in a log";
      },
    },
  ],
};

function isLogged(world: World, words: string): boolean {
  return world.lines().some((line) => JSON.stringify(line).includes(words));
}
