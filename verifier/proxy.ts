/** A TCP proxy that misbehaves on command, for the connections of one role or for all. */
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

/**
 * blackhole: nothing gets through in both directions until the mode changes; connections stay open.
 * mute: requests arrive, replies do not. delay: each chunk takes 30 ms. throttle: 50 kB/s.
 */
export type Mode = "pass" | "blackhole" | "mute" | "delay" | "throttle";

interface Link {
  readonly client: Socket;
  readonly server: Socket;
  role: string;
}

const DELAY_MS = 30;
const BYTES_PER_MS = 50;

export class Proxy {
  readonly #links = new Set<Link>();
  readonly #server = createServer((client) => this.#accept(client));
  readonly #target: number;
  #mode: Mode = "pass";
  #role = "*";
  readonly #rewrite: (answer: Buffer) => Buffer;

  private constructor(target: number, rewrite: (answer: Buffer) => Buffer) {
    this.#target = target;
    this.#rewrite = rewrite;
  }

  /** `rewrite`: changes what the server sends; the length must stay the same. */
  static async to(target: number, rewrite = (answer: Buffer): Buffer => answer): Promise<Proxy> {
    const proxy = new Proxy(target, rewrite);
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** For a proxy in front of a single Redis. */
  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /**
   * Sets the mode of all connections of a role, now and later; `*` is every role. The role of a gateway's
   * connection is in its name (CLIENT SETNAME tertulia-role), a replica's is `replication`.
   */
  set(mode: Mode, role = "*"): void {
    this.#mode = mode;
    this.#role = role;
    for (const link of this.#links) this.#apply(link);
  }

  /** Ends the open connections of the role, by a reset or by a clean end of one direction. Returns how many. */
  cut(role = "*", how: "reset" | "half-close" = "reset"): number {
    const those = [...this.#links].filter((link) => role === "*" || link.role === role);
    for (const { client, server } of those) {
      if (how === "reset") {
        client.resetAndDestroy();
        server.resetAndDestroy();
      } else client.end();
    }
    return those.length;
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #modeOf(link: Link): Mode {
    return this.#role === "*" || this.#role === link.role ? this.#mode : "pass";
  }

  #apply(link: Link): void {
    const mode = this.#modeOf(link);
    if (mode === "blackhole") link.client.pause();
    else link.client.resume();
    if (mode === "blackhole" || mode === "mute") link.server.pause();
    else link.server.resume();
  }

  #accept(client: Socket): void {
    const server = connect(this.#target, "127.0.0.1");
    const link: Link = { client, server, role: "unknown" };
    this.#links.add(link);
    const end = (): void => {
      this.#links.delete(link);
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on("error", () => {}); // its close follows
      socket.on("close", end);
    }
    const up = new Lane(server);
    const down = new Lane(client);
    client.on("data", (chunk) => {
      if (link.role === "unknown") {
        link.role = roleOf(chunk.toString("latin1"));
        this.#apply(link);
      }
      up.push(chunk, this.#lateness(link, chunk));
    });
    server.on("data", (chunk) => down.push(this.#rewrite(chunk), this.#lateness(link, chunk)));
  }

  #lateness(link: Link, chunk: Buffer): number {
    const mode = this.#modeOf(link);
    if (mode === "delay") return DELAY_MS;
    return mode === "throttle" ? chunk.length / BYTES_PER_MS : 0;
  }
}

function roleOf(said: string): string {
  if (said.includes("REPLCONF")) return "replication";
  return /tertulia-(\w+)/.exec(said)?.[1] ?? "unknown";
}

/** One direction of a connection: chunks leave in order, each after its delay. */
class Lane {
  readonly #to: Socket;
  readonly #waiting: { chunk: Buffer; lateness: number }[] = [];
  #isWaiting = false;

  constructor(to: Socket) {
    this.#to = to;
  }

  push(chunk: Buffer, lateness: number): void {
    if (!this.#isWaiting && lateness === 0) this.#to.write(chunk);
    else {
      this.#waiting.push({ chunk, lateness });
      this.#next();
    }
  }

  #next(): void {
    const first = this.#waiting[0];
    if (this.#isWaiting || first === undefined) return;
    this.#isWaiting = true;
    setTimeout(() => {
      this.#isWaiting = false;
      this.#waiting.shift();
      if (this.#to.writable) this.#to.write(first.chunk);
      this.#next();
    }, first.lateness);
  }
}
