/** What was observed, line by line, as it stands in a transcript. */

/** Lines of one moment stand in this order; within a channel, in the order in which they happened. */
const CHANNELS = ["client", "node", "log", "state"] as const;
export type Channel = (typeof CHANNELS)[number];

export class Transcript {
  readonly #text: string[] = [];
  #moment: { channel: Channel; line: string }[] = [];
  #lines = 0;
  readonly #secrets = new Map<string, string>();

  /** How many lines have been noted: it stands still when nothing happens. */
  get length(): number {
    return this.#lines;
  }

  input(line: string): void {
    this.#text.push(line);
  }

  note(channel: Channel, line: string): void {
    this.#lines++;
    this.#moment.push({ channel, line });
  }

  /** What differs each time is shown under this name. */
  hide(secret: string, as: string): void {
    this.#secrets.set(secret, as);
  }

  /** All that was observed since the last moment. */
  endMoment(afterMs: number): void {
    const when = afterMs > 0 ? `@${afterMs}ms ` : "";
    const lines = CHANNELS.flatMap((channel) =>
      this.#moment.filter((each) => each.channel === channel).map(({ line }) => `  ${when}${line}`),
    );
    this.#moment = [];
    for (let i = 0; i < lines.length;) {
      const line = this.#shown(lines[i]!);
      let times = 1;
      while (this.#shown(lines[i + times] ?? "") === line) times++;
      this.#text.push(times > 1 ? `${line} (${times} times)` : line);
      i += times;
    }
  }

  toString(): string {
    return `${this.#text.join("\n")}\n`;
  }

  #shown(line: string): string {
    let shown = line;
    for (const [secret, name] of this.#secrets) shown = shown.replaceAll(secret, name);
    return shown;
  }
}
