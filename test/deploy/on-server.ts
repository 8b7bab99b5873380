/** What manifests must stand on a real API server. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { succeeded, type ApiServer } from "../support/k8s-server.js";
import type { Manifest } from "./manifests.js";

export const APPLY = ["apply", "--validate=strict", "--warnings-as-errors"];

export async function write(server: ApiServer, all: readonly Manifest[]): Promise<string> {
  const file = join(server.folder, `${++files}.yaml`);
  await writeFile(file, all.map((each) => JSON.stringify(each)).join("\n---\n"));
  return file;
}

let files = 0;

/** Applied without a warning; the second time nothing differs, and nothing changes. */
export async function appliesTwice(server: ApiServer, all: readonly Manifest[]): Promise<void> {
  const where = ["-n", await server.createNamespace(), "-f", await write(server, all)];
  succeeded(await server.kubectl(...APPLY, "--server-side", ...where));
  const before = await kept(server, where);
  succeeded(await server.kubectl(...APPLY, "--server-side", ...where));
  succeeded(await server.kubectl("diff", "--server-side", ...where));
  expect(await kept(server, where)).toEqual(before);
}

/** All that a server keeps, its generations too, without how it keeps it. */
export async function kept(server: ApiServer, where: readonly string[]): Promise<Manifest[]> {
  const stdout = succeeded(await server.kubectl("get", ...where, "-o", "json"));
  const { items } = JSON.parse(stdout) as { items: Manifest[] };
  for (const { metadata } of items) delete metadata.resourceVersion;
  return items;
}

/** What the server says to the pods that controllers would make of it. */
export async function createPods(server: ApiServer, all: readonly Manifest[]) {
  const where = ["-n", await server.createNamespace(), "-f"];
  const file = await write(server, all.flatMap(podsOf));
  const flags = ["--dry-run=server", "--validate=strict", "--warnings-as-errors"];
  return server.kubectl("create", ...flags, ...where, file);
}

function podsOf({ kind, metadata, spec }: Manifest): Manifest[] {
  const template = kind === "CronJob" ? spec.jobTemplate.spec.template : spec?.template;
  if (template === undefined) return [];
  const name = `${kind.toLowerCase()}-${metadata.name}`;
  const claims = (spec.volumeClaimTemplates ?? []).map((claim: Manifest) => ({
    name: claim.metadata.name,
    persistentVolumeClaim: { claimName: `${claim.metadata.name}-${name}` },
  }));
  const pod = { apiVersion: "v1", kind: "Pod", ...structuredClone(template) };
  pod.metadata = { ...pod.metadata, name };
  pod.spec.volumes = [...(pod.spec.volumes ?? []), ...claims];
  return [pod];
}
