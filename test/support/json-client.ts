/** A JSON client by hand: frames as they are, nothing dropped, nothing repaired. */
import { setTimeout as pause } from "node:timers/promises";
import { WebSocket } from "ws";

export type Frame = Record<string, unknown> & { type: string };

export class JsonClient {
  readonly webSocket: WebSocket;
  readonly heard: Frame[] = [];
  /** How long a frame is waited for. */
  patienceMs = 8_000;
  #read = 0;
  /** With which the connection was closed, once it is. */
  #code: number | undefined;
  #wake: () => void = () => {};

  private constructor(webSocket: WebSocket) {
    this.webSocket = webSocket;
    webSocket.on("error", () => {}); // `closed` tells
    webSocket.on("message", (frame: Buffer) => {
      this.heard.push(JSON.parse(frame.toString()) as Frame);
      this.#wake();
    });
    webSocket.on("close", (code) => {
      this.#code = code;
      this.#wake();
    });
  }

  /** Connects, without a hello unless `query` has a name; tries again after a 503. */
  static async connect(port: number, query = "", headers = {}): Promise<JsonClient> {
    const until = performance.now() + 10_000;
    for (;;) {
      try {
        return await JsonClient.#attempt(port, query, headers);
      } catch (error) {
        if (!String(error).includes("503") || performance.now() > until) throw error;
        await pause(50);
      }
    }
  }

  static async #attempt(
    port: number,
    query: string,
    headers: Record<string, string>,
  ): Promise<JsonClient> {
    const url = `ws://127.0.0.1:${port}/ws${query}`;
    const webSocket = new WebSocket(url, "tertulia.v1.json", { perMessageDeflate: false, headers });
    const client = new JsonClient(webSocket);
    await new Promise<void>((resolve, reject) => {
      webSocket.once("open", resolve);
      webSocket.once("unexpected-response", (_request, response) =>
        reject(new Error(`refused with ${response.statusCode}`)),
      );
      webSocket.once("error", reject);
    });
    return client;
  }

  /** Connects and says hello; returns the client when it is welcome. */
  static async hello(port: number, name: string, more: object = {}): Promise<JsonClient> {
    const client = await JsonClient.connect(port);
    client.says({ type: "hello", name, ...more });
    await client.hears({ type: "welcome" });
    return client;
  }

  says(frame: object | string): void {
    this.webSocket.send(typeof frame === "string" ? frame : JSON.stringify(frame));
  }

  async next(withinMs = this.patienceMs): Promise<Frame> {
    const until = performance.now() + withinMs;
    while (this.heard.length === this.#read) {
      const left = until - performance.now();
      if (left <= 0) throw new Error(`heard nothing within ${withinMs} ms`);
      if (this.webSocket.readyState === WebSocket.CLOSED) throw new Error("was closed");
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

  /** The very next frame has these fields, and perhaps others. */
  async hears(expected: Frame): Promise<Frame> {
    const actual = await this.next();
    if (!has(actual, expected)) {
      throw new Error(`heard ${JSON.stringify(actual)} instead of ${JSON.stringify(expected)}`);
    }
    return actual;
  }

  /** A frame with these fields comes, perhaps after others. */
  async awaits(expected: Frame): Promise<Frame> {
    const passed: string[] = [];
    const until = performance.now() + this.patienceMs;
    for (;;) {
      const actual = await this.next(until - performance.now()).catch((error: unknown) => {
        throw new Error(
          `${String(error)}; wanted ${JSON.stringify(expected)}, passed ${passed.slice(-8).join(" ")}`,
        );
      });
      if (has(actual, expected)) return actual;
      passed.push(JSON.stringify(actual));
    }
  }

  /** Says something and waits for its answer, past events. */
  async asks(request: object): Promise<Frame> {
    const id = `ask-${Math.random()}`;
    this.says({ ...request, id });
    for (;;) {
      const frame = await this.next();
      if (frame["id"] === id) return frame;
    }
  }

  /** The code with which the connection was closed. */
  async closed(): Promise<number> {
    return this.#code ?? new Promise((resolve) => this.webSocket.once("close", resolve));
  }

  vanish(): void {
    this.webSocket.terminate();
  }
}

/** Every field that is expected is there and the same; objects within are compared alike. */
function has(actual: unknown, expected: unknown): boolean {
  if (typeof expected !== "object" || expected === null) return Object.is(actual, expected);
  if (typeof actual !== "object" || actual === null) return false;
  if (Array.isArray(expected)) {
    const list = actual as unknown[];
    return list.length === expected.length && expected.every((each, i) => has(list[i], each));
  }
  return Object.entries(expected).every(([key, value]) =>
    has((actual as Record<string, unknown>)[key], value),
  );
}
