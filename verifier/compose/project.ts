/** A docker compose project that runs on this machine: its containers, and what can be done to them. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

const execute = promisify(execFile);

export interface Container {
  readonly id: string;
  readonly name: string;
  readonly service: string;
  /** `running`, `paused`, `exited`, `created`, … */
  readonly state: string;
  readonly startedAt: string;
  /** Its address in the project's network; empty unless it runs. */
  readonly ip: string;
  readonly environment: Readonly<Record<string, string>>;
}

export type Act = "kill" | "stop" | "start" | "pause" | "unpause" | "restart";

/** How long a look at the containers is reused. */
const FRESH_MS = 250;
const LABEL = "com.docker.compose.";

export class Project {
  readonly name: string;
  /** How `docker compose` was called. */
  readonly #files: readonly string[];
  readonly #folder: string;
  #seen: Promise<readonly Container[]> | undefined;
  #seenAt = -Infinity;

  private constructor(name: string, files: readonly string[], folder: string) {
    this.name = name;
    this.#files = files;
    this.#folder = folder;
  }

  /** @throws Error if there is none of this name, or if `compose up` would change what runs. */
  static async find(name: string): Promise<Project> {
    const [first] = await inspected(name);
    if (first === undefined) throw new Error(`there is no compose project ${name} here`);
    const labels = first.Config.Labels;
    const files = labels[`${LABEL}project.config_files`]!.split(",");
    const project = new Project(name, files, labels[`${LABEL}project.working_dir`]!);
    await project.#requireSameSettings();
    return project;
  }

  async containers(): Promise<readonly Container[]> {
    if (performance.now() - this.#seenAt > FRESH_MS) {
      this.#seenAt = performance.now();
      this.#seen = inspected(this.name).then((all) => all.map(containerOf));
      this.#seen.catch(() => (this.#seenAt = -Infinity)); // the caller sees the error
    }
    return this.#seen!;
  }

  async of(service: string): Promise<readonly Container[]> {
    return (await this.containers()).filter((each) => each.service === service);
  }

  async act(act: Act, ...containers: readonly Container[]): Promise<void> {
    if (containers.length > 0) await this.#docker(act, ...containers.map(({ id }) => id));
  }

  /** Runs `docker compose …` with the files of this project and the environment of this process. Resolves with its output. */
  async compose(...words: readonly string[]): Promise<string> {
    const files = this.#files.flatMap((file) => ["-f", file]);
    const folder = ["--project-directory", this.#folder];
    return this.#docker("compose", "-p", this.name, ...folder, ...files, ...words);
  }

  /** Runs a script of the project's folder, for this project. @throws Error with its output */
  async run(script: string, ...words: readonly string[]): Promise<void> {
    const named = { COMPOSE_PROJECT_NAME: this.name, COMPOSE_FILE: this.#files.join(":") };
    const env = { ...process.env, ...named };
    await execute(join(this.#folder, script), words, { cwd: this.#folder, env });
  }

  /** The content of a file in a running container. */
  async read({ id }: Container, path: string): Promise<string> {
    return (await execute("docker", ["exec", id, "cat", path])).stdout;
  }

  async #docker(...words: readonly string[]): Promise<string> {
    try {
      const { stdout, stderr } = await execute("docker", words, { maxBuffer: 1 << 26 });
      return stdout + stderr;
    } finally {
      this.#seenAt = -Infinity;
    }
  }

  /** Otherwise the first `compose up` would change the containers to what this environment says. */
  async #requireSameSettings(): Promise<void> {
    const wouldDo = await this.compose("--dry-run", "up", "-d", "--no-build");
    const changed = [...wouldDo.matchAll(/Container (\S+)\s+(?:Create|Recreate)\b/g)];
    if (changed.length === 0) return;
    const names = new Set(changed.map(([, name]) => name!));
    throw new Error(
      `here docker compose would change ${[...names].join(", ")}: run this in the environment in which the project was started (PORT, IMAGE, ACK_LEVEL, …)`,
    );
  }
}

interface Inspected {
  readonly Id: string;
  readonly Name: string;
  readonly State: { readonly Status: string; readonly StartedAt: string };
  readonly Config: {
    readonly Labels: Readonly<Record<string, string>>;
    readonly Env: readonly string[] | null;
  };
  readonly NetworkSettings: { readonly Networks: Readonly<Record<string, { IPAddress: string }>> };
}

async function inspected(project: string): Promise<Inspected[]> {
  const filter = ["--filter", `label=${LABEL}project=${project}`];
  // without the containers of `docker compose run`
  const lasting = ["--filter", `label=${LABEL}oneoff=False`];
  const { stdout } = await execute("docker", ["ps", "-aq", "--no-trunc", ...filter, ...lasting]);
  const ids = stdout.split("\n").filter((id) => id !== "");
  if (ids.length === 0) return [];
  // if a container was removed meanwhile the command fails, but it tells the others
  const answer = await execute("docker", ["inspect", ...ids], { maxBuffer: 1 << 26 }).catch(
    (error: { stdout?: string }) => ({ stdout: error.stdout || "[]" }),
  );
  return JSON.parse(answer.stdout) as Inspected[];
}

function containerOf({ Id, Name, State, Config, NetworkSettings }: Inspected): Container {
  return {
    id: Id,
    name: Name.slice(1),
    service: Config.Labels[`${LABEL}service`]!,
    state: State.Status,
    startedAt: State.StartedAt,
    ip: Object.values(NetworkSettings.Networks)[0]?.IPAddress ?? "",
    environment: Object.fromEntries(
      (Config.Env ?? []).map((each) => {
        const end = each.indexOf("=");
        return [each.slice(0, end), each.slice(end + 1)];
      }),
    ),
  };
}
