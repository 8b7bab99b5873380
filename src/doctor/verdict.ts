/** Rules, and their verdicts. */

export type Verdict =
  | { readonly is: "ok"; readonly found: string }
  | {
      readonly is: "warning" | "wrong";
      readonly found: string;
      /** The command that mends it. */
      readonly set?: string;
    }
  /** This user may not see it. */
  | { readonly is: "unseen" };

export interface Rule<Subject> {
  /** As in redis.conf where it is a setting, and as in the tables of docs/operations.md with the next two. */
  readonly name: string;
  readonly value: string;
  readonly why: string;
  /** Undefined if the rule does not apply here. */
  judge(this: void, subject: Subject): Verdict | undefined;
}

export interface Finding {
  readonly name: string;
  readonly is: Verdict["is"];
  readonly found: string;
  /** Why it matters. */
  readonly why: string;
  readonly set?: string | undefined;
}

/** The findings at one server or sentinel. */
export interface Section {
  readonly title: string;
  readonly findings: readonly Finding[];
}

export function judgeAll<Subject>(rules: readonly Rule<Subject>[], subject: Subject): Finding[] {
  const findings: Finding[] = [];
  for (const { name, value, why, judge } of rules) {
    const verdict = judge(subject);
    if (verdict === undefined) continue;
    const found = `ask for ${value.replaceAll("`", "")}`;
    findings.push({ name, why, found, ...verdict });
  }
  return findings;
}

export function ok(found: string): Verdict {
  return { is: "ok", found };
}

export function warning(found: string, set?: string): Verdict {
  return { is: "warning", found, ...(set !== undefined && { set }) };
}

export function wrong(found: string, set?: string): Verdict {
  return { is: "wrong", found, ...(set !== undefined && { set }) };
}
