import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { join } from "node:path";
import { expect, test } from "vitest";
import { PLANTED } from "#verifier/planted/bugs.js";
import { atStart, changed, replace, type Change } from "#verifier/planted/change.js";
import { builtFrom } from "#verifier/planted/plant.js";
import { ALL_RULES } from "#verifier/rules/rules.js";
import { ACCOUNTS_RULES } from "#verifier/scenarios/accounts.js";
import { CROWD_RULES } from "#verifier/scenarios/crowd.js";
import { STALE_CANNOT_ACT } from "#verifier/scenarios/elections.js";
import { MODERATION_RULES } from "#verifier/scenarios/moderation.js";
import { OWNERS_RULES } from "#verifier/scenarios/owners.js";
import { RETURNS_RULES } from "#verifier/scenarios/returns.js";
import { RIGHTS_RULES } from "#verifier/scenarios/rights.js";
import { TOKENS_RULES } from "#verifier/scenarios/tokens.js";

const dist = fileURLToPath(new URL("../../dist", import.meta.url));

test("every planted bug fits exactly one place of the code", async () => {
  const wrong: string[] = [];
  for (const [name, { changes }] of Object.entries(PLANTED)) {
    for (const change of changes) {
      const source = await readFile(join(dist, builtFrom(change.file)), "utf8").catch(() => "");
      try {
        changed(source, [change], name);
      } catch (error) {
        wrong.push((error as Error).message);
      }
    }
  }
  // CONTRIBUTING.md, "Planted bugs", tells what to do
  expect(wrong).toEqual([]);
});

test("every rule of a run or a scenario is broken by a planted bug, and every bug breaks a rule", () => {
  const bugs = Object.values(PLANTED);
  // of several rules a bug must break one in a run, and all in a scenario
  const sure = bugs.filter(({ scenario, breaks }) => scenario !== undefined || breaks.length === 1);
  const ids = new Set(sure.flatMap(({ breaks }) => breaks));
  const scenarios = [CROWD_RULES, RETURNS_RULES, OWNERS_RULES, ACCOUNTS_RULES, TOKENS_RULES];
  const rules = [
    ...ALL_RULES,
    STALE_CANNOT_ACT,
    ...scenarios.flat(),
    ...MODERATION_RULES,
    ...RIGHTS_RULES,
  ];
  // some rules are tried in several scenarios
  const all = new Set(rules.map(({ id }) => id));
  expect([...ids].toSorted()).toEqual([...all].toSorted());
  expect(bugs.filter(({ breaks }) => breaks.length === 0)).toEqual([]);
});

const SOURCE = `
const limit = 5;
function outside() { return "it's"; }
export class Feed {
    #bucket; // call() in a comment
    constructor() { this.#bucket = { n: 1 }; }
    get isLate() { return /["'/]+/.test("//") && now() / 2 > 1; }
    #on = (event) => { call(event); };
    async #hear({ at, event }, more = [1]) {
        // why
        if (isNext(at,
            this.#bucket))
            call('at');
        const text = \`call("at") \${[1].map((n) => \`}\${n}\`)} "\`;
        call(text);
        call(text);
    }
    #speak() { return this.#hear(1) ; }
}
const tell = async (what) => { call(what); };
`;
const LUA = `
-- function claim() in a comment
local function claim(keys, args)
  for i = 1, #keys do if keys[i] then call('x') end end -- end
  repeat call("y") until true
  return drop(keys, function(key) return has_ended(key) end)
end
local function leave(keys) return has_ended(keys) end
`;

const fits: [what: string, change: Change, expected: string][] = [
  [
    "spaces, lines, comments and kinds of quotes do not matter",
    replace("a.ts", "Feed.#hear", `if (isNext(at, this.#bucket)) call("at");`, "X;"),
    "// why\n        X;\n        const text",
  ],
  ["a getter", replace("a.ts", "Feed.isLate", "now() / 2", "X"), '"//") && X > 1'],
  ["a constructor", replace("a.ts", "Feed.constructor", "n: 1", "n: 2"), "{ n: 2 }"],
  ["a field", replace("a.ts", "Feed.#on", "call(event)", "X"), "#on = (event) => { X; };"],
  ["a function", replace("a.ts", "outside", `"it's"`, "X"), "outside() { return X; }"],
  ["a constant", replace("a.ts", "tell", "call(what)", "X"), "=> { X; };"],
  ["a number", replace("a.ts", "limit", "5", "6"), "const limit = 6;"],
  ["a start", atStart("a.ts", "Feed.#hear", "return;"), "// why\n        return; if"],
  ["Lua", replace("a.lua", "claim", "has_ended ( key )", "true"), "return true end)"],
  ["another Lua function", replace("a.lua", "leave", "has_ended(keys)", "1"), "return 1 end"],
];

for (const [what, change, expected] of fits) {
  test(`a change finds its place: ${what}`, () => {
    const source = change.file.endsWith(".lua") ? LUA : SOURCE;
    expect(changed(source, [change], "a bug")).toContain(expected);
  });
}

const fitsNot: [what: string, change: Change, error: string][] = [
  ["code that is elsewhere", replace("a.ts", "Feed.#speak", "call(text)", ""), "#speak 0 times"],
  ["code that is there twice", replace("a.ts", "Feed.#hear", "call(text)", ""), "#hear 2 times"],
  ["code in a text", replace("a.ts", "Feed.#hear", 'call("at") $', ""), "#hear 0 times"],
  ["another text", replace("a.ts", "Feed.#hear", "call(at)", ""), "#hear 0 times"],
  ["a method that is not there", replace("a.ts", "Feed.close", "x", ""), "0 functions named"],
  ["a class that is not there", replace("a.ts", "Hub.#hear", "x", ""), "0 functions named"],
  ["a function that is not there", atStart("a.lua", "reap", "return"), "0 functions named"],
];

for (const [what, change, error] of fitsNot) {
  test(`a change that does not fit says so: ${what}`, () => {
    const source = change.file.endsWith(".lua") ? LUA : SOURCE;
    expect(() => changed(source, [change], "a bug")).toThrow(`a bug: ${change.file} has`);
    expect(() => changed(source, [change], "a bug")).toThrow(error);
  });
}

test("changes of one bug are looked for in the code as it was", () => {
  const first = replace("a.ts", "outside", "return", "call(what); return");
  const second = replace("a.ts", "tell", "call(what)", "outside()");
  const both = changed(SOURCE, [first, second], "a bug");
  expect(both).toContain(`{ call(what); return "it's"; }`);
  expect(both).toContain("{ outside(); }");
});
