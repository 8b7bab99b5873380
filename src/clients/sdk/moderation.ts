/** What moderators and operators ask: acts, and the lists of what is in force and what was done. */
import { checkText } from "./argument-checks.js";
import type { AuditOptions, CallOptions, ModerateOptions } from "./options.js";
import type { ModerationAct, Sanction } from "./events.js";
import { randomId } from "./platform.js";
import type { RequestQueue } from "./request-queue.js";

const ACTS: Record<ModerateOptions["act"], true> = {
  kick: true,
  ban: true,
  unban: true,
  mute: true,
  unmute: true,
};

/** Sent again after a lost answer, it is done once. */
export async function moderate(
  requests: RequestQueue,
  { act, user, address, forMs, reason, signal }: ModerateOptions,
): Promise<{ readonly untilMs?: number }> {
  if (!Object.hasOwn(ACTS, act)) {
    throw new TypeError(`there is no act "${act}": ${Object.keys(ACTS).join(", ")}`);
  }
  checkText("`user` or `address`", user ?? address, '{ act: "kick", user: "ana" }');
  const mid = randomId();
  const whom = { user, address, for: forMs, reason: reason ?? "" };
  const request = { type: "moderate", act, mid, ...whom } as const;
  const { until } = await requests.send({ request, signal });
  return until === undefined ? {} : { untilMs: until };
}

export async function sanctions(
  requests: RequestQueue,
  { signal }: CallOptions,
): Promise<readonly Sanction[]> {
  const ok = await requests.send({ request: { type: "sanctions" }, signal });
  return ok.sanctions ?? [];
}

export async function audit(
  requests: RequestQueue,
  { limit = 50, signal }: AuditOptions,
): Promise<readonly ModerationAct[]> {
  const ok = await requests.send({ request: { type: "audit", limit }, signal });
  return ok.acts ?? [];
}
