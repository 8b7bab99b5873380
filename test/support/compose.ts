/** A docker compose project of a test's own: its containers, its port, its image. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { freePort } from "#tertulia/local-redis/server.js";
import { eventually } from "./eventually.js";

const run = promisify(execFile);
const cwd = fileURLToPath(new URL("../..", import.meta.url));

export class ComposeProject {
  readonly name: string;
  readonly port: number;
  readonly image: string;
  readonly #files: readonly string[];
  readonly #env: Readonly<Record<string, string>>;

  private constructor(
    name: string,
    port: number,
    files: readonly string[],
    env: Readonly<Record<string, string>>,
  ) {
    this.name = name;
    this.port = port;
    this.image = `${name}-image`;
    this.#files = files;
    this.#env = env;
  }

  /** Of these files of the repository. Starts nothing. */
  static async of(
    files: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<ComposeProject> {
    const name = `tertulia-test-${process.pid}-${Math.random().toString(36).slice(2, 8)}`;
    return new ComposeProject(name, await freePort(), files, env);
  }

  /** What `docker compose` and `deploy/roll` read to find this project. */
  get environment(): NodeJS.ProcessEnv {
    return {
      ...process.env,
      COMPOSE_PROJECT_NAME: this.name,
      COMPOSE_FILE: this.#files.join(":"),
      PORT: `${this.port}`,
      IMAGE: this.image,
      ...this.#env,
    };
  }

  /** Runs `docker compose` with these arguments. @throws with what it wrote */
  async compose(...args: string[]): Promise<string> {
    return this.command("docker", "compose", ...args);
  }

  /** Runs a command in the repository, in this project's environment. @throws with what it wrote */
  async command(file: string, ...args: string[]): Promise<string> {
    const { stdout } = await run(file, args, { cwd, env: this.environment });
    return stdout;
  }

  container(service: string, number = 1): string {
    return `${this.name}-${service}-${number}`;
  }

  /** What Redis or Sentinel in this container answers. */
  async ask(service: string, kind: "redis" | "sentinel", ...command: string[]): Promise<string> {
    const cli = ["exec", this.container(service), "sh", "/scripts/cli.sh", kind, ...command];
    return (await this.command("docker", ...cli)).replaceAll("\r", "");
  }

  async readiness(): Promise<number> {
    const answer = await fetch(`http://127.0.0.1:${this.port}/readyz`);
    return answer.status;
  }

  async untilReady(withinMs = 60_000): Promise<void> {
    await eventually(async () => {
      const status = await this.readiness();
      if (status !== 200) throw new Error(`/readyz answers ${status}`);
    }, withinMs);
  }

  /** A sentinel learns within ten seconds which replicas there are: before, nobody can take the primary's place. */
  async untilWatched(): Promise<void> {
    await eventually(async () => {
      for (const sentinel of ["sentinel-1", "sentinel-2", "sentinel-3"]) {
        const lines = (await this.ask(sentinel, "sentinel", "sentinel", "master", "chat")).split(
          "\n",
        );
        const known = ["num-slaves", "num-other-sentinels"].map(
          (key) => lines[lines.indexOf(key) + 1],
        );
        if (known.join() !== "2,2") throw new Error(`${sentinel} knows ${known.join(" and ")}`);
        const replicas = (
          await this.ask(sentinel, "sentinel", "sentinel", "replicas", "chat")
        ).split("\n");
        const priorities = replicas.filter((_, i) => replicas[i - 1] === "slave-priority");
        if (priorities.join() !== "100,100") throw new Error(`priorities ${priorities.join()}`);
      }
    }, 60_000);
  }

  /** What containers say since they were created. */
  async log(service: string): Promise<string> {
    return this.compose("logs", "--no-color", "--no-log-prefix", service);
  }

  /** Volumes that this project's containers use. */
  async volumes(): Promise<string[]> {
    const ids = (await this.compose("ps", "-a", "-q")).trim().split("\n");
    const format = "{{range .Mounts}}{{if .Name}}{{println .Name}}{{end}}{{end}}";
    const names = await this.command("docker", "inspect", "--format", format, ...ids);
    return names.split("\n").filter((line) => line !== "");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.compose("down", "-v", "--remove-orphans", "-t", "1");
    await this.command("docker", "image", "rm", "-f", this.image).catch(() => {}); // if it was built
  }
}
