/**
 * A kubelet of sorts: runs pods of rendered manifests on the Docker engine as their spec says. Each pod is a container
 * that only holds the network and the host name, and beside it those of the spec: command, environment, mounts, user and
 * rights are theirs. Not here: scheduling, network policies, liveness.
 */
import { execFile } from "node:child_process";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { parseAllDocuments } from "yaml";
import { eventually } from "./eventually.js";
import { environmentOf, type Secrets } from "./pod-environment.js";

// oxlint-disable-next-line typescript/no-explicit-any -- manifests are trees of anything
type Tree = any;

const run = promisify(execFile);
const HOLDER = "debian:trixie-slim";

export interface PodsOptions {
  readonly manifests: string;
  readonly secrets: Secrets;
  /** Containers that are not run, because their images are not here. */
  readonly without?: readonly string[];
  /** What stands for an image that is not built: another one, with this mounted and run. */
  readonly standIns?: Readonly<Record<string, StandIn>>;
}

interface StandIn {
  readonly image: string;
  /** As `-v` takes them. */
  readonly mounts: readonly string[];
  readonly command: readonly string[];
}

export class Pods implements AsyncDisposable {
  readonly #project: string;
  readonly #folder: string;
  readonly #options: PodsOptions;
  readonly #all: Tree[];

  private constructor(project: string, folder: string, options: PodsOptions) {
    this.#project = project;
    this.#folder = folder;
    this.#options = options;
    this.#all = parseAllDocuments(options.manifests).map((each) => each.toJS());
  }

  static async open(project: string, options: PodsOptions): Promise<Pods> {
    const folder = await mkdtemp(join(tmpdir(), `${project}-`));
    await chmod(folder, 0o755);
    await run("docker", ["network", "create", project]);
    return new Pods(project, folder, options);
  }

  /** Starts a pod: of a StatefulSet `name-0`, of a Deployment `name-any`. Its volumes are those it had before. */
  async start(pod: string): Promise<void> {
    const workload = this.#workloadOf(pod);
    const { template, serviceName } = workload.spec;
    const names = this.#all
      .filter(({ kind, spec }) => kind === "Service" && selects(spec.selector, template))
      .map(({ metadata }) => metadata.name as string);
    const aliases = [...names, ...(serviceName === undefined ? [] : [`${pod}.${serviceName}`])];
    const ports = template.spec.containers.flatMap(({ ports = [] }: Tree) => ports);
    await this.#hold(
      pod,
      aliases,
      ports.map(({ containerPort }: Tree) => containerPort as number),
    );
    for (const each of template.spec.initContainers ?? []) {
      await this.#create(pod, workload, each, false);
    }
    await Promise.all(
      this.#containers(workload).map((each) => this.#create(pod, workload, each, true)),
    );
  }

  /** Runs the pod of a CronJob now; returns what it printed. @throws if it fails */
  async runJob(name: string): Promise<string> {
    const job = this.#all.find((each) => each.kind === "CronJob" && each.metadata.name === name);
    const { template } = job.spec.jobTemplate.spec;
    const pod = `${name}-now`;
    await this.#hold(pod, [], []);
    const [container] = template.spec.containers;
    const said = await this.#create(pod, { spec: { template } }, container, false);
    await run("docker", ["rm", "-fv", this.#name(pod)]);
    return said;
  }

  /** Its machine is gone: nothing is said to anybody. */
  async kill(pod: string): Promise<void> {
    await this.#remove(pod);
  }

  /** As an eviction or a rollout does it: what the containers want done before, SIGTERM, and SIGKILL when time is up. */
  async delete(pod: string): Promise<void> {
    const workload = this.#workloadOf(pod);
    const { terminationGracePeriodSeconds: grace = 30 } = workload.spec.template.spec;
    await Promise.all(
      this.#containers(workload).map(async ({ name, lifecycle }) => {
        const started = performance.now();
        const command = lifecycle?.preStop?.exec?.command as string[] | undefined;
        if (command !== undefined) await this.exec(pod, name, command).catch(() => {});
        const left = Math.max(2, Math.round(grace - (performance.now() - started) / 1_000));
        await run("docker", ["stop", "-t", `${left}`, this.#name(pod, name)]);
      }),
    );
    await this.#remove(pod);
  }

  /** Runs a command in a container; returns what it printed. @throws if it fails */
  async exec(pod: string, container: string, command: readonly string[]): Promise<string> {
    const { stdout } = await run("docker", ["exec", this.#name(pod, container), ...command]);
    return stdout;
  }

  /** Waits until all containers say they are ready. */
  async becomesReady(pod: string, withinMs = 60_000): Promise<void> {
    const containers = this.#containers(this.#workloadOf(pod));
    let asked = "";
    await eventually(async () => {
      for (const { name, readinessProbe } of containers) {
        const { exec, httpGet } = readinessProbe;
        asked = name;
        if (exec !== undefined) await this.exec(pod, name, exec.command);
        else await this.#get(pod, httpGet);
      }
    }, withinMs).catch(async (error: unknown) => {
      const log = await this.logsOf(pod, asked);
      throw new Error(`${asked} of ${pod} is not ready: ${log.slice(-2_000)}`, { cause: error });
    });
  }

  /** The port of this machine that leads to one of the pod. */
  async portOf(pod: string, port: number): Promise<number> {
    const { stdout } = await run("docker", ["port", this.#name(pod), `${port}/tcp`]);
    return Number(stdout.trim().split(":").at(-1));
  }

  async logsOf(pod: string, container: string): Promise<string> {
    const { stdout, stderr } = await run("docker", ["logs", this.#name(pod, container)]);
    return stdout + stderr;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { stdout } = await run("docker", ["ps", "-aq", "--filter", `name=^${this.#project}`]);
    const ids = stdout.split("\n").filter((id) => id !== "");
    if (ids.length > 0) await run("docker", ["rm", "-fv", ...ids]);
    // another user owns what Redis wrote
    const mount = ["-v", `${this.#folder}:/all`];
    await run("docker", ["run", "--rm", ...mount, HOLDER, "sh", "-c", "rm -rf /all/*"]);
    await rm(this.#folder, { recursive: true });
    await run("docker", ["network", "rm", this.#project]);
  }

  /** The network and the host name of a pod. */
  async #hold(pod: string, aliases: readonly string[], ports: readonly number[]): Promise<void> {
    await run("docker", [
      "run",
      "-d",
      `--name=${this.#name(pod)}`,
      `--hostname=${pod}`,
      `--network=${this.#project}`,
      ...aliases.flatMap((alias) => ["--network-alias", alias]),
      ...ports.flatMap((port) => ["-p", `127.0.0.1::${port}`]),
      HOLDER,
      "sleep",
      "infinity",
    ]);
  }

  async #create(pod: string, workload: Tree, container: Tree, isLong: boolean): Promise<string> {
    const { securityContext: user = {}, volumes = [] } = workload.spec.template.spec;
    const { name, command = [], args = [], securityContext: rights = {} } = container;
    const standIn = this.#options.standIns?.[container.image.split(":")[0]];
    const claims = workload.spec.volumeClaimTemplates ?? [];
    const mounts: string[] = [];
    for (const mount of container.volumeMounts ?? []) {
      const volume =
        volumes.find((each: Tree) => each.name === mount.name) ??
        claims.find(({ metadata }: Tree) => metadata.name === mount.name);
      const source = join(await this.#volume(pod, mount.name, volume), mount.subPath ?? "");
      if (volume.configMap === undefined && volume.secret === undefined) await open(source);
      mounts.push("-v", `${source}:${mount.mountPath}${mount.readOnly === true ? ":ro" : ""}`);
    }
    const environment = Object.entries(environmentOf(pod, container, this.#options.secrets));
    const memory = container.resources?.limits?.memory as string | undefined;
    const { stdout, stderr } = await run("docker", [
      "run",
      ...(isLong ? ["-d", "--restart", "always", "--name", this.#name(pod, name)] : ["--rm"]),
      `--network=container:${this.#name(pod)}`,
      `--user=${user.runAsUser}:${user.runAsGroup}`,
      ...(rights.readOnlyRootFilesystem === true ? ["--read-only"] : []),
      ...(rights.capabilities?.drop ?? []).flatMap((each: string) => ["--cap-drop", each]),
      ...(rights.allowPrivilegeEscalation === false ? ["--security-opt", "no-new-privileges"] : []),
      ...(memory === undefined ? [] : ["--memory", memory.replace("i", "")]),
      ...environment.flatMap(([key, value]) => ["-e", `${key}=${value}`]),
      ...mounts,
      ...(standIn?.mounts ?? []).flatMap((each) => ["-v", each]),
      ...(command.length > 0 ? ["--entrypoint", command[0] as string] : []),
      ...(standIn === undefined
        ? [container.image as string]
        : [standIn.image, ...standIn.command]),
      ...(command.slice(1) as string[]),
      ...(args as string[]),
    ]);
    return stdout + stderr;
  }

  /** The folder of a volume; what a configuration or a secret says is written there. */
  async #volume(pod: string, name: string, volume: Tree): Promise<string> {
    const folder = join(this.#folder, pod, name);
    await mkdir(folder, { recursive: true });
    const { configMap, secret } = volume;
    const files =
      configMap === undefined
        ? secret === undefined
          ? {}
          : this.#secret(secret.secretName)
        : this.#all.find(
            (each) => each.kind === "ConfigMap" && each.metadata.name === configMap.name,
          ).data;
    const items = (configMap ?? secret)?.items as { key: string; path: string }[] | undefined;
    for (const [key, text] of Object.entries(files as Record<string, string>)) {
      const path = items === undefined ? key : items.find((each) => each.key === key)?.path;
      if (path !== undefined) await writeFile(join(folder, path), text);
    }
    return folder;
  }

  #secret(name: string): Record<string, string> | undefined {
    return this.#options.secrets[name];
  }

  #containers(workload: Tree): Tree[] {
    const { without = [] } = this.#options;
    return workload.spec.template.spec.containers.filter(
      ({ name }: Tree) => !without.includes(name),
    );
  }

  #workloadOf(pod: string): Tree {
    const name = pod.slice(0, pod.lastIndexOf("-"));
    return this.#all.find(({ spec, metadata }) => {
      return spec?.template !== undefined && metadata.name === name;
    });
  }

  async #get(pod: string, { path, port }: Tree): Promise<void> {
    const { template } = this.#workloadOf(pod).spec;
    const ports = template.spec.containers.flatMap((each: Tree) => each.ports ?? []);
    const { containerPort } = ports.find(({ name }: Tree) => name === port);
    const outside = await this.portOf(pod, containerPort);
    const { status } = await fetch(`http://127.0.0.1:${outside}${path}`);
    if (status !== 200) throw new Error(`${path} of ${pod} answers with ${status}`);
  }

  async #remove(pod: string): Promise<void> {
    const containers = this.#containers(this.#workloadOf(pod));
    const names = containers.map(({ name }) => this.#name(pod, name));
    await run("docker", ["rm", "-fv", ...names, this.#name(pod)]);
  }

  #name(pod: string, container = "pod"): string {
    return `${this.#project}-${pod}-${container}`;
  }
}

/** The user that runs the containers may write here. */
async function open(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o777).catch(() => {}); // another user's, from before
}

function selects(selector: Tree, template: Tree): boolean {
  const { labels } = template.metadata;
  return Object.entries(selector).every(([key, value]) => labels[key] === value);
}
