/** Follows the logs of a project's containers, also after they are started again, and writes them to a file. */
import { spawn, type ChildProcess } from "node:child_process";
import { createWriteStream, type WriteStream } from "node:fs";
import { GatewayLogs, type LogLine, type Term } from "../gateway-log.js";
import type { Container, Project } from "./project.js";

const LOOK_EVERY_MS = 300;

export class Logs {
  readonly gateways: GatewayLogs;
  readonly #project: Project;
  readonly #now: () => number;
  readonly #since = new Date().toISOString();
  /** One for each start of a container. */
  readonly #lives = new Map<string, ChildProcess>();
  readonly #timer: NodeJS.Timeout;
  readonly #file: WriteStream;

  constructor(project: Project, path: string, now: () => number) {
    this.#project = project;
    this.#file = createWriteStream(path);
    this.#now = now;
    this.gateways = new GatewayLogs(now);
    this.#timer = setInterval(() => void this.#look().catch(() => {}), LOOK_EVERY_MS);
  }

  /** In the order of the machine's clock, which all containers share. */
  get terms(): readonly Term[] {
    return this.gateways.terms.toSorted((a, b) => a.time - b.time);
  }

  close(): void {
    clearInterval(this.#timer);
    for (const child of this.#lives.values()) {
      child.stdout?.destroy();
      child.kill();
    }
    this.#file.end();
  }

  async #look(): Promise<void> {
    for (const container of await this.#project.containers()) {
      const life = `${container.id} ${container.startedAt}`;
      const hasStarted = container.state !== "created";
      if (hasStarted && !this.#lives.has(life)) this.#lives.set(life, this.#follow(container));
    }
  }

  #follow({ id, name, service, startedAt }: Container): ChildProcess {
    const life = this.#lives.size;
    const since = startedAt > this.#since ? startedAt : this.#since;
    // standard error as well: HAProxy and the start scripts write there
    const follow = ["logs", "--follow", "--since", since, id];
    const child = spawn("sh", ["-c", 'exec docker "$@" 2>&1', "sh", ...follow], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    let rest = "";
    child.stdout.on("data", (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split("\n");
      rest = lines.pop()!;
      for (const line of lines) {
        this.#file.write(`${Math.round(this.#now())} ${name} ${line}\n`);
        if (service === "gateway") this.#read(line, life);
      }
    });
    return child;
  }

  #read(text: string, gateway: number): void {
    if (!text.startsWith("{")) return; // not a line of the log
    this.gateways.take(JSON.parse(text) as LogLine, gateway);
  }
}
