/** A door on this machine to a port of a service's container, at whatever address that has now. */
import { connect, createServer, type AddressInfo, type Server } from "node:net";
import type { Project } from "./project.js";

const CONNECTS_WITHIN_MS = 1_000;

export class Door {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** Who comes while the container is down is turned away. */
  static async to(project: Project, service: string, port: number): Promise<Door> {
    const server = createServer((client) => {
      client.on("error", () => {}); // seen as its close
      const open = async (): Promise<void> => {
        const [container] = await project.of(service);
        if (container?.state !== "running") return void client.destroy();
        const inside = connect(port, container.ip);
        // an address that nobody has any more answers nothing
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
    return new Door(server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    this.#server.close();
  }
}
