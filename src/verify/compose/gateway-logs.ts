/** Reads along what the gateways of a project log, through all their lives. */
import { spawn, type ChildProcess } from "node:child_process";
import type { LogLine } from "../gateway-process.js";
import type { Report } from "../indexed.js";
import type { Container, Project } from "./project.js";

const LOOK_EVERY_MS = 300;

export class GatewayLogs {
  /** How often each event was seen. */
  readonly seen = new Map<string, number>();
  /** What they said to be missing from a log. */
  readonly reports: Report[] = [];
  readonly #terms: { token: string; gateway: number; time: number }[] = [];
  readonly #project: Project;
  readonly #now: () => number;
  readonly #since = new Date().toISOString();
  /** One for each life of a container. */
  readonly #lives = new Map<string, ChildProcess>();
  readonly #timer: NodeJS.Timeout;

  constructor(project: Project, now: () => number) {
    this.#project = project;
    this.#now = now;
    this.#timer = setInterval(() => void this.#look().catch(() => {}), LOOK_EVERY_MS);
  }

  /** In the order of the machine's clock, which all of them share. */
  get terms(): readonly { readonly token: string; readonly gateway: number }[] {
    return this.#terms.toSorted((a, b) => a.time - b.time);
  }

  close(): void {
    clearInterval(this.#timer);
    for (const child of this.#lives.values()) child.kill();
  }

  async #look(): Promise<void> {
    for (const container of await this.#project.of("gateway")) {
      const life = `${container.id} ${container.startedAt}`;
      const hasStarted = container.state !== "created";
      if (hasStarted && !this.#lives.has(life)) this.#lives.set(life, this.#follow(container));
    }
  }

  #follow({ id, startedAt }: Container): ChildProcess {
    const gateway = this.#lives.size;
    const since = startedAt > this.#since ? startedAt : this.#since;
    const child = spawn("docker", ["logs", "--follow", "--since", since, id], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    let rest = "";
    child.stdout.on("data", (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split("\n");
      rest = lines.pop()!;
      for (const line of lines) this.#read(line, gateway);
    });
    return child;
  }

  #read(text: string, gateway: number): void {
    if (!text.startsWith("{")) return; // not a line of the log
    const line = JSON.parse(text) as LogLine;
    this.seen.set(line.msg, (this.seen.get(line.msg) ?? 0) + 1);
    if (line.msg === "began to lead" && line.token !== undefined) {
      this.#terms.push({ token: line.token, gateway, time: line.time });
    }
    if (line.msg === "events are missing from the log") {
      const { bucket = -1, after = { g: 0, n: 0 }, reason = "" } = line;
      this.reports.push({ t: this.#now(), gateway, bucket, after, reason });
    }
  }
}
