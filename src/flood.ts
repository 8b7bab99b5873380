/**
 * A rate limit for the log: at most so many lines a second of one sentence, so that a flood of failures
 * does not fill the disk. Lines that are left out are counted, and the count is logged.
 */

export interface DamSettings {
  /** Lines of one sentence at once. */
  readonly burst: number;
  readonly perSecond: number;
  /** How long lines are counted before the count is logged. */
  readonly toldAfterMs: number;
}

interface Sentence {
  lines: number;
  atMs: number;
  leftOut: number;
}

/** A sentence is constant, and there are some hundred of them. */
export class Dam {
  readonly #settings: DamSettings;
  readonly #tell: (sentence: string, lines: number) => void;
  readonly #nowMs: () => number;
  readonly #sentences = new Map<string, Sentence>();

  constructor(
    settings: DamSettings,
    tell: (sentence: string, lines: number) => void,
    nowMs: () => number = () => performance.now(),
  ) {
    this.#settings = settings;
    this.#tell = tell;
    this.#nowMs = nowMs;
  }

  /** Whether one more line of this sentence may pass. */
  lets(text: string): boolean {
    const { burst, perSecond, toldAfterMs } = this.#settings;
    const nowMs = this.#nowMs();
    let sentence = this.#sentences.get(text);
    if (sentence === undefined) {
      sentence = { lines: burst, atMs: nowMs, leftOut: 0 };
      this.#sentences.set(text, sentence);
    }
    const refilled = sentence.lines + ((nowMs - sentence.atMs) / 1_000) * perSecond;
    sentence.lines = Math.min(burst, refilled);
    sentence.atMs = nowMs;
    if (sentence.lines >= 1) {
      sentence.lines--;
      return true;
    }
    const { leftOut } = sentence;
    sentence.leftOut++;
    if (leftOut === 0) setTimeout(() => this.#told(text, sentence), toldAfterMs).unref();
    return false;
  }

  #told(text: string, sentence: Sentence): void {
    const { leftOut } = sentence;
    sentence.leftOut = 0;
    this.#tell(text, leftOut);
  }
}
