/** A TCP proxy that can be told to misbehave, for some connections or for all. */
import { createServer, connect, type AddressInfo, type Socket } from "node:net";

export type Mode = "pass" | "blackhole" | "refuse";

interface Link {
  readonly client: Socket;
  readonly server: Socket;
  role: string;
}

/**
 * `role` is what the client calls itself by CLIENT SETNAME tertulia-<role>. A blackhole swallows
 * nothing for good, as TCP would not: what was sent into it comes out if the path heals in time.
 */
export class Proxy {
  readonly #links = new Set<Link>();
  readonly #modes = new Map<string, Mode>();
  readonly #server = createServer((client) => this.#accept(client));
  readonly #target: number;

  private constructor(target: number) {
    this.#target = target;
  }

  static async to(port: number): Promise<Proxy> {
    const proxy = new Proxy(port);
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get url(): string {
    return `redis://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** How connections of a role (or of all) behave from here on, those that are open included. */
  set(mode: Mode, role = "*"): void {
    this.#modes.set(role, mode);
    for (const link of this.#links) this.#apply(link);
  }

  /** Cuts the open connections of a role. */
  cut(role: string): number {
    const those = [...this.#links].filter((link) => link.role === role);
    for (const { client, server } of those) {
      client.resetAndDestroy();
      server.destroy();
    }
    return those.length;
  }

  async close(): Promise<void> {
    for (const { client, server } of this.#links) {
      client.destroy();
      server.destroy();
    }
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #modeOf({ role }: Link): Mode {
    return this.#modes.get(role) ?? this.#modes.get("*") ?? "pass";
  }

  #apply(link: Link): void {
    for (const socket of [link.client, link.server]) {
      if (this.#modeOf(link) === "blackhole") socket.pause();
      else socket.resume();
    }
  }

  #accept(client: Socket): void {
    if (this.#modes.get("*") === "refuse") return void client.destroy();
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
      socket.on("close", end);
      socket.on("error", () => {}); // seen as the close that follows
    }
    client.on("data", (chunk) => {
      if (link.role === "unknown") {
        link.role = /tertulia-(\w+)/.exec(chunk.toString("latin1"))?.[1] ?? "unknown";
      }
      this.#apply(link);
      server.write(chunk);
    });
    server.on("data", (chunk) => client.write(chunk));
  }
}
