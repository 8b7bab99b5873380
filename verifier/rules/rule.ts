/** What a rule is, and how it is judged: kept, broken, or void where nothing was seen. Pure. */

export interface Rule {
  /** Stable: reports, tests and planted bugs name it. */
  readonly id: string;
  /** What must hold. */
  readonly sentence: string;
  /** What the rule looks at, a noun in the plural. Without any the rule is void. */
  readonly needs: string;
  /** It limits how long something takes, so a machine that is too busy may break it. */
  readonly isTimed?: true;
}

export interface Finding {
  /** How many cases could have broken the rule. */
  readonly seen: number;
  /** An example of each that did. */
  readonly wrong: readonly string[];
}

export interface Judgement extends Rule, Finding {
  readonly verdict: "kept" | "broken" | "void";
}

export function judged(rule: Rule, { seen, wrong }: Finding): Judgement {
  const verdict = wrong.length > 0 ? "broken" : seen === 0 ? "void" : "kept";
  const { id, sentence, needs, isTimed } = rule;
  return { id, sentence, needs, ...(isTimed && { isTimed }), seen, wrong, verdict };
}

export function brokenOf(judgements: readonly Judgement[]): Judgement[] {
  return judgements.filter(({ verdict }) => verdict === "broken");
}

/** Collects the cases of some rules while a scenario runs. */
export class Tally {
  readonly #findings: ReadonlyMap<Rule, { seen: number; wrong: string[] }>;

  constructor(rules: readonly Rule[]) {
    this.#findings = new Map(rules.map((rule) => [rule, { seen: 0, wrong: [] }]));
  }

  saw(rule: Rule, cases = 1): void {
    this.#findings.get(rule)!.seen += cases;
  }

  broke(rule: Rule, example: string): void {
    this.#findings.get(rule)!.wrong.push(example);
  }

  get judgements(): Judgement[] {
    return [...this.#findings].map(([rule, finding]) => judged(rule, finding));
  }
}
