/** A classic client that says bytes and hears bytes. */
import { setTimeout as pause } from "node:timers/promises";
import { WebSocket } from "ws";

export type Part = number | Uint8Array;

/** `L(x)` of PROTOCOL.md: one length byte, then the bytes of a name or text. */
export function L(text: string | Uint8Array): Uint8Array {
  const bytes = Buffer.from(text);
  return Buffer.from([bytes.length, ...bytes]);
}

export function frame(...parts: Part[]): Buffer {
  return Buffer.concat(
    parts.map((part) => (typeof part === "number" ? Buffer.from([part]) : part)),
  );
}

export class ClassicClient {
  readonly name: string;
  readonly webSocket: WebSocket;
  /** All that was heard, in order; `next` and its kin read it from the front. */
  readonly heard: Buffer[] = [];
  /** How long a frame is waited for; longer only where it may take longer: an audit heals what was forgotten. */
  patienceMs = 8_000;
  #read = 0;
  /** With which the connection was closed, once it is. */
  #code: number | undefined;
  #wake = (): void => {};

  private constructor(name: string, webSocket: WebSocket) {
    this.name = name;
    this.webSocket = webSocket;
    webSocket.on("message", (data, isBinary) => {
      if (!isBinary) throw new Error("a classic reply must be binary");
      this.heard.push(data as Buffer);
      this.#wake();
    });
    webSocket.on("error", () => {}); // seen as the close that follows
    webSocket.on("close", (code) => {
      this.#code = code;
      this.#wake();
    });
  }

  /** Tries again after a 503, as clients shall: a node on a machine that stood still is not ready at once. */
  static async connect(
    port: number,
    name: string,
    subprotocol?: string,
    query?: string,
  ): Promise<ClassicClient> {
    const until = performance.now() + 10_000;
    for (;;) {
      try {
        return await ClassicClient.attempt(port, name, subprotocol, query);
      } catch (error) {
        if (!String(error).includes("503") || performance.now() > until) throw error;
        await pause(50);
      }
    }
  }

  /** Connects, or throws what the first answer says. @param query another one than the name's */
  static async attempt(
    port: number,
    name: string,
    subprotocol?: string,
    query = name === "" ? "" : `?name=${encodeURIComponent(name)}`,
  ): Promise<ClassicClient> {
    const webSocket = new WebSocket(
      `ws://127.0.0.1:${port}/${query}`,
      subprotocol ? [subprotocol] : [],
    );
    const client = new ClassicClient(name, webSocket);
    await new Promise<void>((resolve, reject) => {
      webSocket.once("open", resolve);
      webSocket.once("unexpected-response", (_request, response) => {
        reject(new Error(`refused with ${response.statusCode}`));
      });
      webSocket.once("error", reject);
    });
    return client;
  }

  says(...parts: Part[]): void {
    this.webSocket.send(frame(...parts), { binary: true });
  }

  /** All that was said has reached the gateway. */
  async arrives(): Promise<void> {
    const answered = new Promise((resolve) => this.webSocket.once("pong", resolve));
    this.webSocket.ping();
    await answered;
  }

  async next(withinMs = this.patienceMs): Promise<Buffer> {
    const until = performance.now() + withinMs;
    while (this.heard.length === this.#read) {
      const left = until - performance.now();
      if (left <= 0) throw new Error(`${this.name} heard nothing within ${withinMs} ms`);
      if (this.webSocket.readyState === WebSocket.CLOSED)
        throw new Error(`${this.name} was closed`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return this.heard[this.#read++]!;
  }

  /** The very next frame is this one. */
  async hears(...parts: Part[]): Promise<void> {
    const expected = frame(...parts);
    const actual = await this.next();
    if (!actual.equals(expected)) {
      throw new Error(`${this.name} heard ${show(actual)} instead of ${show(expected)}`);
    }
  }

  /** This frame comes, perhaps after others. */
  async awaits(...parts: Part[]): Promise<void> {
    const expected = frame(...parts);
    const passed: string[] = [];
    const until = performance.now() + this.patienceMs;
    for (;;) {
      const actual = await this.next(until - performance.now()).catch((error: unknown) => {
        throw new Error(
          `${String(error)}; wanted ${show(expected)}, passed ${passed.slice(-8).join(" ")}`,
        );
      });
      if (actual.equals(expected)) return;
      passed.push(show(actual));
    }
  }

  /**
   * Reads on until a note to itself comes back: whatever was announced before the note was heard
   * before it. Returns what was read.
   */
  async settles(): Promise<Buffer[]> {
    const note = frame(L(this.name), L(`note ${Math.random()}`));
    this.says(4, note);
    const read: Buffer[] = [];
    for (;;) {
      const next = await this.next();
      if (next[0] === 55 && next.subarray(next.length - note.length).equals(note)) return read;
      read.push(next);
    }
  }

  async hearsNothing(): Promise<void> {
    const heard = await this.settles();
    if (heard.length > 0) throw new Error(`${this.name} heard ${heard.map(show).join(" ")}`);
  }

  /** Closes cleanly and waits for it. */
  async close(): Promise<number> {
    const closed = this.closed();
    this.webSocket.close();
    return closed;
  }

  /** The code with which the connection was closed. */
  async closed(): Promise<number> {
    return this.#code ?? new Promise((resolve) => this.webSocket.once("close", resolve));
  }

  /** Vanishes without a close frame. */
  vanish(): void {
    this.webSocket.terminate();
  }
}

export function show(bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString("latin1");
  return `[${text.replaceAll(/[^\x20-\x7e]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16)}`)}]`;
}
