/** Reads along what the containers of a project log, through all their lives, and keeps it in a file. */
import { spawn, type ChildProcess } from "node:child_process";
import { createWriteStream, type WriteStream } from "node:fs";
import { loggedPosition, type LogLine } from "../gateway-process.js";
import type { Report } from "../indexed.js";
import type { Container, Project } from "./project.js";

const LOOK_EVERY_MS = 300;

export class Logs {
  /** How often each event of the gateways was seen. */
  readonly seen = new Map<string, number>();
  /** What gateways said to be missing from a log. */
  readonly reports: Report[] = [];
  readonly #terms: { token: string; gateway: number; time: number }[] = [];
  readonly #project: Project;
  readonly #now: () => number;
  readonly #since = new Date().toISOString();
  /** One for each life of a container. */
  readonly #lives = new Map<string, ChildProcess>();
  readonly #timer: NodeJS.Timeout;
  readonly #file: WriteStream;

  constructor(project: Project, path: string, now: () => number) {
    this.#project = project;
    this.#file = createWriteStream(path);
    this.#now = now;
    this.#timer = setInterval(() => void this.#look().catch(() => {}), LOOK_EVERY_MS);
  }

  /** In the order of the machine's clock, which all of them share. */
  get terms(): readonly { readonly token: string; readonly gateway: number }[] {
    return this.#terms.toSorted((a, b) => a.time - b.time);
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
    // standard error as well: there HAProxy and the start scripts speak
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
    const line = JSON.parse(text) as LogLine;
    this.seen.set(line.msg, (this.seen.get(line.msg) ?? 0) + 1);
    if (line.msg === "began to lead" && line.token !== undefined) {
      this.#terms.push({ token: line.token, gateway, time: line.time });
    }
    if (line.msg === "events are missing from the log") {
      const { bucket = -1, reason = "" } = line;
      const after = loggedPosition(line.after ?? { generation: 0, offset: 0 });
      const kept = line.kept && loggedPosition(line.kept);
      this.reports.push({ t: this.#now(), gateway, bucket, after, kept, reason });
    }
  }
}
