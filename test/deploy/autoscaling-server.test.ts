/** Turning the autoscaler on, on a real API server: nobody is sent away by it. */
import { join, relative } from "node:path";
import { mkdir, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ApiServer, succeeded } from "../support/k8s-server.js";
import { whyNoApiServer } from "../support/k8s-tools.js";
import { K8S } from "./manifests.js";

describe.skipIf(whyNoApiServer() !== undefined)("the autoscaler is turned on", () => {
  let server: ApiServer;
  let namespace: string;
  beforeAll(async () => void (server = await ApiServer.start()), 180_000);
  afterAll(() => server?.close());

  /** Gateways are deployed, three of them. */
  async function deployed(): Promise<void> {
    namespace = await server.createNamespace();
    await apply([]);
    expect(await replicas()).toBe("3");
  }

  async function apply(components: readonly string[]): Promise<void> {
    const folder = join(server.folder, "kustomization");
    await mkdir(folder, { recursive: true });
    const from = (path: string): string => relative(folder, join(K8S, path));
    const content = { resources: [from("base")], components: components.map(from) };
    await writeFile(join(folder, "kustomization.yaml"), JSON.stringify(content));
    succeeded(await server.kubectl("apply", "--server-side", "-n", namespace, "-k", folder));
  }

  async function replicas(): Promise<string> {
    const path = ["-o", "jsonpath={.spec.replicas}"];
    return succeeded(await server.kubectl("get", "deployment/tertulia", "-n", namespace, ...path));
  }

  test("as documented, the replicas stay", async () => {
    await deployed();
    const scale = ["scale", "deployment/tertulia", "--replicas=4", "-n", namespace];
    succeeded(await server.kubectl(...scale));
    await apply(["components/autoscaling"]);
    expect(await replicas()).toBe("4");
  });

  test("without more steps there would be one gateway until it acts", async () => {
    await deployed();
    await apply(["components/autoscaling"]);
    expect(await replicas()).toBe("1");
  });
});
