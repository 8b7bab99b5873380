/** The metrics: served to Prometheus, on a port of their own. */
import { createServer, type Server } from "node:http";
import type { Observe } from "./observe.js";

export async function serveMetrics(
  at: { readonly host: string | undefined; readonly port: number },
  { counters, log }: Observe,
): Promise<Server> {
  const server = createServer((request, response) => {
    if (request.url !== "/metrics") {
      response.writeHead(404).end();
      return;
    }
    counters.registry.metrics().then(
      (text) =>
        response.writeHead(200, { "content-type": counters.registry.contentType }).end(text),
      (error: unknown) => {
        log.error({ err: error }, "metrics could not be collected");
        response.writeHead(500).end();
      },
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(at.port, at.host, resolve);
  });
  return server;
}
