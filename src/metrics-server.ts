/** The metrics server: what Prometheus reads, on a port of its own. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Observe } from "./observe.js";

export interface MetricsAddress {
  readonly host: string | undefined;
  /** 0: it is not wanted. */
  readonly port: number;
}

export class MetricsServer {
  readonly #at: MetricsAddress;
  readonly #server: Server;

  constructor(at: MetricsAddress, { counters, log }: Observe) {
    this.#at = at;
    this.#server = createServer((request, response) => {
      if (request.url !== "/metrics") {
        response.writeHead(404).end();
        return;
      }
      counters.registry.metrics().then(
        (text) =>
          response.writeHead(200, { "content-type": counters.registry.contentType }).end(text),
        (error: unknown) => {
          log.error({ event: "metrics_failed", err: error }, "metrics could not be collected");
          response.writeHead(500).end();
        },
      );
    });
  }

  /** The port that it listens on, if it does. */
  get port(): number | undefined {
    return (this.#server.address() as AddressInfo | null)?.port;
  }

  /** Listens, if it is wanted. @throws Error of the system if it cannot listen there */
  async listen(): Promise<void> {
    const { host, port } = this.#at;
    if (port === 0) return;
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, host, resolve);
    });
  }

  /** May be called twice. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }
}
