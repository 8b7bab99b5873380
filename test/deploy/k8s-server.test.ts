/** The manifests on a real API server: what schemas and a lint cannot tell. */
import { readdirSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { ApiServer, succeeded } from "../support/k8s-server.js";
import { whyNoApiServer } from "../support/k8s-tools.js";
import { K8S, manifests, type Manifest } from "./manifests.js";

const why = whyNoApiServer();
if (why !== undefined) console.log(why);

interface Kustomization {
  readonly name: string;
  readonly resources: readonly string[];
  readonly components?: readonly string[];
}

/** Each overlay, and each component on the base. */
const kustomizations: readonly Kustomization[] = [
  ...readdirSync(join(K8S, "overlays")).map((name) => ({ name, resources: [`overlays/${name}`] })),
  ...readdirSync(join(K8S, "components")).map((name) => ({
    name,
    resources: ["base"],
    components: [`components/${name}`],
  })),
];

const APPLY = ["apply", "--validate=strict", "--warnings-as-errors"];

describe.skipIf(why !== undefined)("a real API server with restricted Pod Security", () => {
  let server: ApiServer;
  beforeAll(async () => void (server = await ApiServer.start()), 180_000);
  afterAll(() => server?.close());

  test.each(kustomizations)("takes $name, and has nothing to do the second time", async (each) => {
    const file = await render(each);
    const namespace = await server.createNamespace();
    const apply = [...APPLY, "--server-side", "-n", namespace, "-f", file];
    succeeded(await server.kubectl(...apply));
    const before = await generations(namespace, file);
    succeeded(await server.kubectl(...apply));
    succeeded(await server.kubectl("diff", "--server-side", "-n", namespace, "-f", file));
    expect(await generations(namespace, file)).toEqual(before);
  });

  test.each(kustomizations)("takes $name by client-side apply, then server-side", async (each) => {
    const file = await render(each);
    const where = ["-n", await server.createNamespace(), "-f", file];
    succeeded(await server.kubectl(...APPLY, ...where));
    succeeded(await server.kubectl("diff", ...where));
    succeeded(await server.kubectl(...APPLY, "--server-side", ...where)); // no conflict
  });

  test.each(kustomizations)("admits the pods of $name", async (each) => {
    const pods = manifests(await readRendered(each)).flatMap(podsOf);
    expect(pods.length).toBeGreaterThan(0);
    const namespace = await server.createNamespace();
    succeeded(await create(pods, namespace));
  });

  test("refuses planted mistakes", async () => {
    const namespace = await server.createNamespace();
    const all = manifests(await readRendered(kustomizations[0]!));
    const template = all.find(({ kind }) => kind === "Deployment").spec.template;
    template.spec.securityContext = {};
    template.spec.containers[0].securityContext = {};
    const file = await write("root.yaml", all);
    const apply = [...APPLY, "--server-side", "-n", namespace, "-f", file];
    const warned = await server.kubectl(...apply);
    expect(warned.stderr).toContain('would violate PodSecurity "restricted');
    expect(warned.code).toBe(1);
    const refused = await create(all.flatMap(podsOf), namespace);
    expect(refused.stderr).toContain('violates PodSecurity "restricted');
    template.spec.terminationGracePeriod = 60;
    await write("root.yaml", all);
    const unknown = await server.kubectl(...apply);
    expect(unknown.stderr).toContain("terminationGracePeriod");
    expect(unknown.code).toBe(1);
  });

  async function readRendered({ name, ...parts }: Kustomization): Promise<string> {
    const folder = join(server.folder, "kustomizations", name);
    await mkdir(folder, { recursive: true });
    const from = (path: string): string => relative(folder, join(K8S, path));
    const found = Object.entries(parts).map(([key, paths]) => [key, paths.map(from)]);
    await writeFile(join(folder, "kustomization.yaml"), stringify(Object.fromEntries(found)));
    return succeeded(await server.kubectl("kustomize", folder));
  }

  async function render(each: Kustomization): Promise<string> {
    return write(`${each.name}.yaml`, manifests(await readRendered(each)));
  }

  async function write(name: string, all: readonly Manifest[]): Promise<string> {
    const file = join(server.folder, name);
    await writeFile(file, all.map((each) => JSON.stringify(each)).join("\n---\n"));
    return file;
  }

  async function create(pods: readonly Manifest[], namespace: string) {
    const file = await write("pods.yaml", pods);
    const flags = ["--dry-run=server", "--validate=strict", "--warnings-as-errors"];
    return server.kubectl("create", ...flags, "-n", namespace, "-f", file);
  }

  async function generations(namespace: string, file: string): Promise<Record<string, number>> {
    const { stdout } = await server.kubectl("get", "-n", namespace, "-f", file, "-o", "json");
    const { items } = JSON.parse(stdout) as { items: Manifest[] };
    const all = items.map(({ kind, metadata }) => [
      `${kind} ${metadata.name}`,
      metadata.generation,
    ]);
    return Object.fromEntries(all) as Record<string, number>;
  }
});

/** The pods that controllers would make of it. */
function podsOf({ kind, metadata, spec }: Manifest): Manifest[] {
  const template = kind === "CronJob" ? spec.jobTemplate.spec.template : spec?.template;
  if (template === undefined) return [];
  const name = `${kind.toLowerCase()}-${metadata.name}`;
  const claims = (spec.volumeClaimTemplates ?? []).map((claim: Manifest) => ({
    name: claim.metadata.name,
    persistentVolumeClaim: { claimName: `${claim.metadata.name}-${name}` },
  }));
  const pod = { apiVersion: "v1", kind: "Pod", ...structuredClone(template) };
  pod.metadata.name = name;
  pod.spec.volumes = [...(pod.spec.volumes ?? []), ...claims];
  return [pod];
}
