/** What TypeScript and the Lua functions must write down twice is the same. */
import { expect, test } from "vitest";
import { FUNCTIONS, readFunctionSource } from "#tertulia/redis/function-library.js";
import { KIND } from "#tertulia/redis/events.js";

const { source } = await readFunctionSource();

test("a function is registered as the table of functions says, announcing or not", () => {
  const registered = [...source.matchAll(/^register\('(\w+)', (announcing\()?/gm)].map(
    ([, name, announcing]) => [name, announcing === undefined ? "silent" : "announces"],
  );
  expect(Object.fromEntries(registered)).toEqual(FUNCTIONS);
});

test("a function that opens a bucket is given the newest position that was seen, and no other is", () => {
  const openers = new Set(["open"]);
  const bodies = source
    .replaceAll(/^register\(.*$/gm, "")
    .split(/^local function /m)
    .slice(1);
  // or calls one that does
  for (let before = 0; before !== openers.size;) {
    before = openers.size;
    for (const body of bodies) {
      const name = /^\w+/.exec(body)![0];
      const called = [...body.slice(name.length).matchAll(/\b(\w+)\(/g)].map(([, each]) => each!);
      if (called.some((each) => openers.has(each))) openers.add(name);
    }
  }
  for (const [name, does] of Object.entries(FUNCTIONS)) {
    expect(openers.has(name) ? "announces" : "silent", name).toBe(does);
  }
});

test("a kind of event that Lua writes has its number in TypeScript", () => {
  const numbers: Record<string, number> = {};
  for (const [, names, values] of source.matchAll(/^local (KIND_[^=]+) = ([\d, ]+)$/gm)) {
    const given = values!.split(",").map(Number);
    for (const [i, name] of names!.split(",").entries()) {
      numbers[name.trim().slice("KIND_".length).toLowerCase()] = given[i]!;
    }
  }
  expect(Object.keys(numbers).length).toBeGreaterThan(0);
  expect(KIND).toMatchObject(numbers);
  expect(new Set(Object.values(KIND)).size).toBe(Object.keys(KIND).length);
});
