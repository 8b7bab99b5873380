/** Forwards a port of this machine to a port of a service's container, at the address that the container has now. */
import { connect, createServer, type AddressInfo, type Server } from "node:net";
import type { Project } from "./project.js";

const CONNECTS_WITHIN_MS = 1_000;

export class PortForward {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** A connection that comes while the container is down is closed. */
  static async to(project: Project, service: string, port: number): Promise<PortForward> {
    const server = createServer((client) => {
      client.on("error", () => {}); // its close follows
      const open = async (): Promise<void> => {
        const [container] = await project.of(service);
        if (container?.state !== "running") return void client.destroy();
        const inside = connect(port, container.ip);
        // an old address that no container has any more gives no answer
        inside.setTimeout(CONNECTS_WITHIN_MS, () => inside.destroy());
        inside.on("connect", () => inside.setTimeout(0));
        inside.on("error", () => client.destroy());
        inside.on("close", () => client.destroy());
        client.on("close", () => inside.destroy());
        client.pipe(inside).pipe(client);
      };
      open().catch(() => client.destroy());
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new PortForward(server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    this.#server.close();
  }
}
