/**
 * A real API server on loopback, with etcd in a folder that goes with it. No controllers and no kubelets: what
 * is applied is checked, defaulted and kept, but no pod runs. Pod Security is enforced as on a cluster.
 */
import { execFile, type ChildProcess } from "node:child_process";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, spawnOnLeash } from "#tertulia/local-redis/server.js";
import { eventually } from "./eventually.js";
import { BINARIES, CRDS } from "./k8s-tools.js";

export interface Outcome {
  /** 0: all went well; of `kubectl diff`, that nothing differs. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export class ApiServer {
  readonly folder: string;
  readonly #children: Program[];
  readonly #environment: NodeJS.ProcessEnv;

  private constructor(folder: string, children: Program[]) {
    this.folder = folder;
    this.#children = children;
    this.#environment = {
      PATH: `${BINARIES}:${process.env["PATH"]}`,
      HOME: folder,
      KUBECONFIG: join(folder, "kubeconfig"),
      HELM_CACHE_HOME: join(folder, "helm"),
      HELM_CONFIG_HOME: join(folder, "helm"),
      HELM_DATA_HOME: join(folder, "helm"),
    };
  }

  /** Starts, and waits until it serves our kinds of resources too. */
  static async start(): Promise<ApiServer> {
    const folder = await mkdtemp(join(tmpdir(), "tertulia-k8s-"));
    const children: Program[] = [];
    const server = new ApiServer(folder, children);
    try {
      const etcd = await freePort();
      const peers = await freePort();
      children.push(
        new Program("etcd", {
          "data-dir": join(folder, "etcd"),
          "listen-client-urls": `http://127.0.0.1:${etcd}`,
          "advertise-client-urls": `http://127.0.0.1:${etcd}`,
          "listen-peer-urls": `http://127.0.0.1:${peers}`,
          "unsafe-no-fsync": "true",
        }),
      );
      const port = await freePort();
      const token = randomBytes(16).toString("hex");
      await server.#writeKeys(token, port);
      children.push(
        new Program("kube-apiserver", {
          "etcd-servers": `http://127.0.0.1:${etcd}`,
          "bind-address": "127.0.0.1",
          "advertise-address": "127.0.0.1",
          "secure-port": `${port}`,
          "cert-dir": join(folder, "certificates"),
          "token-auth-file": join(folder, "tokens.csv"),
          "service-account-issuer": "https://127.0.0.1",
          "service-account-key-file": join(folder, "accounts.pem"),
          "service-account-signing-key-file": join(folder, "accounts.pem"),
          "service-cluster-ip-range": "10.0.0.0/24",
          // nobody makes the accounts that it would ask for
          "disable-admission-plugins": "ServiceAccount",
        }),
      );
      const ready = eventually(
        async () => succeeded(await server.kubectl("get", "--raw", "/readyz")),
        90_000,
      );
      await Promise.race([ready, ...children.map((child) => child.failure())]);
      succeeded(await server.kubectl("apply", "--server-side", "-f", CRDS));
      const wait = ["wait", "--for=condition=Established", "crd", "--all", "--timeout=60s"];
      succeeded(await server.kubectl(...wait));
      return server;
    } catch (error) {
      await server.close();
      throw error;
    }
  }

  kubectl(...args: readonly string[]): Promise<Outcome> {
    return run(join(BINARIES, "kubectl"), args, this.#environment);
  }

  helm(...args: readonly string[]): Promise<Outcome> {
    return run(join(BINARIES, "helm"), args, this.#environment);
  }

  /** A new namespace that takes only what Pod Security calls restricted, and warns of all else. */
  async createNamespace(): Promise<string> {
    const name = `test-${randomBytes(4).toString("hex")}`;
    succeeded(await this.kubectl("create", "namespace", name));
    const levels = ["enforce", "warn", "audit"].map(
      (mode) => `pod-security.kubernetes.io/${mode}=restricted`,
    );
    succeeded(await this.kubectl("label", "namespace", name, ...levels));
    return name;
  }

  /** May be called twice. */
  async close(): Promise<void> {
    for (const child of this.#children.toReversed()) await child.end();
    await rm(this.folder, { recursive: true, force: true });
  }

  async #writeKeys(token: string, port: number): Promise<void> {
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const pem = privateKey.export({ type: "pkcs1", format: "pem" });
    await mkdir(join(this.folder, "helm"));
    await writeFile(join(this.folder, "accounts.pem"), pem);
    await writeFile(join(this.folder, "tokens.csv"), `${token},test,test,system:masters\n`);
    const cluster = { server: `https://127.0.0.1:${port}`, "insecure-skip-tls-verify": true };
    const kubeconfig = {
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: "test", cluster }],
      users: [{ name: "test", user: { token } }],
      contexts: [{ name: "test", context: { cluster: "test", user: "test" } }],
      "current-context": "test",
    };
    await writeFile(this.#environment["KUBECONFIG"]!, JSON.stringify(kubeconfig));
  }
}

/** What it printed. @throws Error with what it said, if it failed */
export function succeeded({ code, stdout, stderr }: Outcome): string {
  if (code !== 0) throw new Error(`exit code ${code}:\n${stdout}${stderr}`);
  return stdout;
}

/** A program of ours that ends with this process, however that ends. */
class Program {
  readonly #name: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  #said = "";

  constructor(name: string, options: Readonly<Record<string, string>>) {
    this.#name = name;
    const args = Object.entries(options).map(([key, value]) => `--${key}=${value}`);
    this.#child = spawnOnLeash([join(BINARIES, name), ...args]);
    const remember = (chunk: Buffer): void => {
      this.#said = (this.#said + chunk.toString()).slice(-4_000);
    };
    this.#child.stdout!.on("data", remember);
    this.#child.stderr!.on("data", remember);
    this.#ended = new Promise((resolve) => this.#child.once("exit", () => resolve()));
  }

  /** Rejects when it has ended, with its last words. */
  async failure(): Promise<never> {
    await this.#ended;
    throw new Error(`${this.#name} has ended:\n${this.#said}`);
  }

  async end(): Promise<void> {
    if (!this.#hasEnded()) this.#child.kill("SIGKILL"); // nothing of it is kept
    await this.#ended;
  }

  #hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }
}

function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<Outcome> {
  const options = { env, timeout: 60_000, maxBuffer: 2 ** 26 };
  return new Promise((resolve) => {
    execFile(program, args, options, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
      resolve({ code, stdout, stderr });
    });
  });
}
