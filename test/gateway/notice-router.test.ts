/** Whose sessions a revocation closes. */
import { expect, test } from "vitest";
import type { Revoked } from "#tertulia/chat/identity.js";
import type { Name } from "#tertulia/chat/names.js";
import { noticeRouter, type NoticeRouterDependencies } from "#tertulia/gateway/notice-router.js";
import { NO_TENURE } from "#tertulia/gateway/session-holder.js";

const ana = "ana" as Name;
const AT = 1_000;

/** What becomes of a session whose name has been its owner's since then. */
function closed(tenureMs: number, revoked: Revoked): string[] {
  const told: string[] = [];
  const session = {
    holder: { tenureMs, proof: undefined },
    expel: (why: string) => void told.push(`expelled: ${why}`),
    close: (why: string) => void told.push(`closed: ${why}`),
  };
  const route = noticeRouter({
    hub: { named: () => [session], deliver: () => {} },
    roster: { forget: (name: Name) => void told.push(`forgotten: ${name}`) },
    contests: { hear: () => {} },
    isOverdue: () => false,
  } as unknown as NoticeRouterDependencies);
  route({ type: "revoked", at: { generation: 1, offset: 1 }, name: ana, revoked });
  return told;
}

test("when a user has left for good, who held the name then is closed, or was about to claim it", () => {
  for (const tenureMs of [1, AT, NO_TENURE]) {
    expect(closed(tenureMs, { kind: "name", untilMs: AT })).toEqual([
      "expelled: unregistered",
      "forgotten: ana",
    ]);
  }
});

test("a later owner of the name is not, if its gateway hears of it late", () => {
  expect(closed(AT + 1, { kind: "name", untilMs: AT })).toEqual(["forgotten: ana"]);
});

test("a session that has proved nothing is not closed when something else is revoked", () => {
  expect(closed(1, { kind: "tokens", untilMs: AT })).toEqual([]);
});
