/** The manifests on a real API server: what schemas and a lint cannot tell. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ApiServer, succeeded } from "../support/k8s-server.js";
import { whyNoApiServer } from "../support/k8s-tools.js";
import { K8S, kustomized } from "./manifests.js";
import { APPLY, appliesTwice, createPods, write } from "./on-server.js";

const why = whyNoApiServer();
if (why !== undefined) console.log(why);

const namesIn = (folder: string): string[] =>
  readdirSync(join(K8S, folder)).map((name) => `${folder}/${name}`);

/** Each overlay, and the base with all components. */
const kustomizations = [
  ...namesIn("overlays").map((name) => ({ name, parts: { resources: [name] } })),
  {
    name: "all components",
    parts: { resources: ["base"], components: namesIn("components") },
  },
];

describe.skipIf(why !== undefined)("a real API server with restricted Pod Security", () => {
  let server: ApiServer;
  beforeAll(async () => void (server = await ApiServer.start()), 180_000);
  afterAll(() => server?.close());

  test.each(kustomizations)(
    "takes $name, and has nothing to do the second time",
    async ({ parts }) => {
      await appliesTwice(server, kustomized(parts));
    },
  );

  test.each(kustomizations)(
    "takes $name by client-side apply, then server-side",
    async ({ parts }) => {
      const file = await write(server, kustomized(parts));
      const where = ["-n", await server.createNamespace(), "-f", file];
      succeeded(await server.kubectl(...APPLY, ...where));
      succeeded(await server.kubectl("diff", ...where));
      succeeded(await server.kubectl(...APPLY, "--server-side", ...where)); // no conflict
    },
  );

  test.each(kustomizations)("accepts the pods of $name", async ({ parts }) => {
    expect(succeeded(await createPods(server, kustomized(parts)))).toContain("pod/deployment-");
  });

  test("refuses planted mistakes", async () => {
    const all = kustomized({ resources: ["overlays/single"] });
    const template = all.find(({ kind }) => kind === "Deployment").spec.template;
    template.spec.securityContext = {};
    template.spec.containers[0].securityContext = {};
    const apply = [...APPLY, "--server-side", "-n", await server.createNamespace(), "-f"];
    const warned = await server.kubectl(...apply, await write(server, all));
    expect(warned.stderr).toContain('would violate PodSecurity "restricted');
    expect(warned.code).toBe(1);
    const refused = await createPods(server, all);
    expect(refused.stderr).toContain('violates PodSecurity "restricted');
    template.spec.terminationGracePeriod = 60;
    const unknown = await server.kubectl(...apply, await write(server, all));
    expect(unknown.stderr).toContain("terminationGracePeriod");
    expect(unknown.code).toBe(1);
  });
});
