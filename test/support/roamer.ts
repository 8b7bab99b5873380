import { ClassicClient, L } from "./classic-client.js";
import { eventually } from "./eventually.js";

/** A classic client that talks, and when it is sent away goes where it is taken in first, as through a balancer. */
export class Roamer {
  readonly name: string;
  client: ClassicClient | undefined;
  port = 0;
  readonly acknowledged: string[] = [];
  /** How it was sent away, and by whom. */
  readonly closes: string[] = [];
  /** Name taken, though no node had left a claim of it without an answer (503) before. */
  readonly refusals: string[] = [];
  readonly #ports: readonly number[];
  #said = 0;
  /** Its last message is not answered yet. */
  #isWaiting = false;
  #place: number;

  /** Begins at the port of this place. */
  constructor(name: string, ports: readonly number[], place = 0) {
    this.name = name;
    this.#ports = ports;
    this.#place = place;
  }

  async connect(): Promise<void> {
    let mayHaveClaimed = false;
    await eventually(async () => {
      const port = this.#ports[this.#place++ % this.#ports.length]!;
      try {
        this.client = await ClassicClient.attempt(port, this.name);
        this.port = port;
      } catch (error) {
        if (String(error).includes("503")) mayHaveClaimed = true;
        if (String(error).includes("400") && !mayHaveClaimed) {
          this.refusals.push(`${this.name} at ${port}`);
        }
        throw error;
      }
    }, 20_000);
    const { webSocket } = this.client!;
    this.#isWaiting = false;
    const own = Buffer.concat([Buffer.from([55]), L(this.name)]);
    webSocket.on("message", (frame: Buffer) => {
      if (frame[0] === 50) this.#isWaiting = false;
      if (frame.subarray(0, own.length).equals(own)) {
        const text = frame.subarray(own.length + 1).toString();
        this.#isWaiting = false;
        if (text.startsWith(this.name)) this.acknowledged.push(text); // no note to itself
      }
    });
    webSocket.once("close", (code) => {
      this.closes.push(`${this.name} by ${this.port} with ${code}`);
      void this.connect();
    });
  }

  /** Says something, unless its last message is not answered yet: no machine is asked for more than it can. */
  speak(): void {
    if (this.client?.webSocket.readyState !== 1 || this.#isWaiting) return;
    this.#isWaiting = true;
    this.client.says(4, L("~"), L(`${this.name} said ${this.#said++}`));
  }
}
