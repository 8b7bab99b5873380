/** Holds the rule on phases: a lifecycle is one state with named phases, never a boolean. ARCHITECTURE.md, state. */
import { expect, test } from "vitest";
import { flagsIn } from "./support/flags.js";
import { parse, parseSources } from "./support/syntax.js";

/** Booleans that change and are no phase of anything, each with what fact it is. */
const FACTS: Readonly<Record<string, string>> = {
  "chat/presence.ts #isFull": "whether few enough are connected to be listed, which comes and goes",
  "gateway/peers.ts #hasAnswered": "evidence: a firewall may explain silence if no peer ever spoke",
  "redis/connect.ts wasReached": "evidence: only a guess is logged of a server never reached",
  "clients/sdk/presence-map.ts isFull": "what the server said last: whether it lists everybody",
  "clients/tui/input-controller.ts #isHere":
    "what the terminal said last: whether it has the focus",
  "clients/web/banners.tsx lasts": "whether something has been true for long enough",
  "clients/web/conversation-pane.tsx isAtEnd": "where one has scrolled to",
  "clients/web/gap.tsx isNear": "where one has scrolled to",
  "clients/web/jump-to-unread.tsx isAbove": "where one has scrolled to",
};

test("no lifecycle is kept in a boolean: those that change are known, and each is a fact", async () => {
  const found = (await parseSources(["src"])).flatMap(flagsIn);
  expect(found.toSorted()).toEqual(Object.keys(FACTS).toSorted());
});

test("what counts: fields, variables of closures and states of components that change", () => {
  const text = `
    class Door {
      #isOpen = false;
      isLocked: boolean | undefined;
      #isNew = 1 > 0;
      readonly #isOak = true;
      #state: "open" | "shut" = "shut";
      constructor() { let isHere = false; if (isHere) isHere = true; }
    }
    interface Visit { isDone: boolean; readonly isLong: boolean; ask(): { isKnown: boolean } }
    type Stay = { isOver: boolean } | { readonly isOver: boolean };
    let isLoaded = false;
    function ring(isLate: boolean) {
      let isRung = !isLate;
      let isHeard = false;
      on("ring", () => (isRung = true));
      const [isSeen, setSeen] = useState(() => false);
      const isAsked = useRef<boolean>();
      const count = useRef(0);
      return isHeard;
    }`;
  const names = ["#isOpen", "isLocked", "#isNew", "isDone", "isOver", "isLoaded", "isRung"];
  expect(flagsIn(parse("door.ts", text))).toEqual(
    [...names, "isSeen", "isAsked"].map((each) => `door.ts ${each}`),
  );
});
