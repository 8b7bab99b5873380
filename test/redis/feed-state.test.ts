/** A bucket's state under random histories: all is delivered once and in order, or a gap is reported. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { World } from "../support/feed-world.js";

const few = fc.integer({ min: 1, max: 4 });
/** Pages are full, too. */
const some = fc.oneof({ weight: 15, arbitrary: few }, fc.integer({ min: 490, max: 510 }));

const happening = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(
      fc.constant("publish"),
      some,
      fc.constantFrom("heard", "lost", "delayed"),
      fc.constantFrom("primary", "primary", "primary", "reader"),
    ),
  },
  { weight: 3, arbitrary: fc.tuple(fc.constant("hear"), fc.nat(20), fc.boolean()) },
  {
    weight: 8,
    arbitrary: fc.tuple(fc.constant("answer"), fc.constantFrom("then", "now")),
  },
  { weight: 1, arbitrary: fc.tuple(fc.constant("fail")) },
  {
    weight: 4,
    arbitrary: fc.tuple(fc.constant("beat"), fc.constantFrom("read", "compare", "readOld")),
  },
  { weight: 1, arbitrary: fc.tuple(fc.constant("cut")) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("resubscribe")) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("catchUp")) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("trim"), few) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("backUp")) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("move")) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("restart"), fc.boolean()) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("restore"), fc.nat(5), fc.boolean()) },
);

type Happening = typeof happening extends fc.Arbitrary<infer What> ? What : never;

function happen(world: World, [what, first, second, third]: Happening): void {
  switch (what) {
    case "publish":
      return world.publish(first, second, third);
    case "hear":
      return world.hear(first, second);
    case "answer":
      return world.answer(first);
    case "beat":
      return world.beat(first);
    case "trim":
      return world.trim(first);
    case "restore":
      return world.restore(first, second);
    case "catchUp":
      return world.enter({ type: "catchUp" });
    case "fail":
      return world.fail();
    case "cut":
      return world.cut();
    case "resubscribe":
      return world.resubscribe();
    case "backUp":
      return world.backUp();
    case "restart":
      return world.restart(first);
    case "move":
      return world.move();
    default:
      return what satisfies never;
  }
}

test("each event is delivered once and in order, or a gap is reported; the head is always reached", () => {
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 60, size: "max" }), (happenings) => {
      const world = new World();
      for (const each of happenings) happen(world, each);
      world.settle();
      expect(world.fault()).toBeUndefined();
    }),
    { numRuns: Number(process.env["RUNS"] ?? 1_000) },
  );
});

test("nothing is reported as missed if the log has all of it, on a server that tells and answers at once", () => {
  const calm = happening.filter(
    ([what, , , where]) => !["trim", "move", "hear"].includes(what) && where !== "reader",
  );
  fc.assert(
    fc.property(fc.array(calm, { maxLength: 60, size: "max" }), (happenings) => {
      const world = new World();
      let wasRestored = false; // twice: what was lost may be back
      for (const each of happenings) {
        const isReplaced = each[0] === "restore" || each[0] === "restart";
        if (isReplaced && (world.isReading || wasRestored)) continue;
        wasRestored ||= each[0] === "restore";
        if (each[0] === "restore") world.restore(each[1], true);
        else if (each[0] === "restart") world.restart(true);
        else happen(world, each[0] === "answer" ? ["answer", "now"] : each);
      }
      world.settle();
      expect(world.fault(false)).toBeUndefined();
    }),
    { numRuns: Number(process.env["RUNS"] ?? 1_000) },
  );
});
