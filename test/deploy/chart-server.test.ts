/** The Helm chart on a real API server: installed, upgraded, rolled back. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ApiServer, succeeded } from "../support/k8s-server.js";
import { whyNoApiServer } from "../support/k8s-tools.js";
import { CHART, EVERYTHING, chart, documented, type Values } from "./chart.js";
import { K8S } from "./manifests.js";
import { APPLY, appliesTwice, createPods, kept } from "./on-server.js";

const why = whyNoApiServer();
if (why !== undefined) console.log(why);

describe.skipIf(why !== undefined)("on a real API server with restricted Pod Security", () => {
  let server: ApiServer;
  beforeAll(async () => void (server = await ApiServer.start()), 180_000);
  afterAll(() => server?.close());

  const cases: [string, Values][] = [
    ["its defaults", {}],
    ["everything", EVERYTHING],
  ];

  test.each(cases)("the API server accepts what it renders of %s, twice", async (_, values) => {
    await appliesTwice(server, chart(values));
    succeeded(await createPods(server, chart(values)));
  });

  test.each(cases)("an upgrade to the same changes nothing: %s", async (_, values) => {
    const { helm, state } = await release();
    const dry = succeeded(await helm("install", values, "--dry-run=server"));
    expect(dry).toContain("NOTES:");
    quiet(await helm("install", values));
    const before = await state();
    quiet(await helm("upgrade", values));
    expect(await state()).toEqual(before);
  });

  test("an upgrade applies changes, and a rollback reverts them", async () => {
    const { helm, state, spec, namespace } = await release();
    quiet(await helm("install", {}));
    expect(await spec()).toMatchObject({ replicas: 3, gracePeriod: 60 });
    quiet(await helm("upgrade", { replicas: 5, config: { DRAIN_WINDOW_MS: 60_000 } }));
    expect(await spec()).toMatchObject({ replicas: 5, gracePeriod: 90 });
    quiet(await server.helm("rollback", "tertulia", "1", "-n", namespace));
    expect(await spec()).toMatchObject({ replicas: 3, gracePeriod: 60 });
    const before = await state();
    quiet(await helm("upgrade", {}));
    expect(await state()).toEqual(before);
    quiet(await server.helm("uninstall", "tertulia", "-n", namespace));
    const left = await server.kubectl("get", "all,pdb,netpol,sa", "-n", namespace, "-o", "name");
    expect(left.stdout).toBe("");
  });

  test("it works beside the Redis of the overlay ha, as documented", async () => {
    const { helm, namespace } = await release();
    const overlay = ["-k", join(K8S, "overlays/ha"), "-n", namespace];
    const others = ["--server-side", "--selector", "app.kubernetes.io/name!=tertulia"];
    succeeded(await server.kubectl(...APPLY, ...overlay, ...others));
    quiet(await helm("install", documented()));
    const all = ["get", "statefulset,deployment,pdb,networkpolicy", "-n", namespace, "-o", "name"];
    expect(
      succeeded(await server.kubectl(...all))
        .trim()
        .split("\n"),
    ).toEqual([
      "statefulset.apps/tertulia-redis",
      "deployment.apps/tertulia",
      "poddisruptionbudget.policy/tertulia",
      "poddisruptionbudget.policy/tertulia-redis",
      "networkpolicy.networking.k8s.io/tertulia",
      "networkpolicy.networking.k8s.io/tertulia-backup",
      "networkpolicy.networking.k8s.io/tertulia-redis",
    ]);
  });

  test("turning the autoscaler on keeps the gateways that there are", async () => {
    const { helm, spec, namespace } = await release();
    quiet(await helm("install", { replicas: 5 }));
    quiet(await helm("upgrade", { autoscaling: { enabled: true } }));
    expect(await spec()).toMatchObject({ replicas: 5 });
    // as the autoscaler does it
    const scale = ["scale", "deployment/tertulia", "--replicas=7", "-n", namespace];
    succeeded(await server.kubectl(...scale));
    quiet(await helm("upgrade", { autoscaling: { enabled: true }, config: { BEAT_MS: 900 } }));
    expect(await spec()).toMatchObject({ replicas: 7 });
  });

  /** A release `tertulia` in a namespace of its own. */
  async function release() {
    const namespace = await server.createNamespace();
    const helm = async (act: "install" | "upgrade", values: Values, ...flags: string[]) => {
      const file = join(server.folder, `${namespace}-values.yaml`);
      await writeFile(file, JSON.stringify(values));
      return server.helm(act, "tertulia", CHART, "-n", namespace, "-f", file, ...flags);
    };
    const state = async () => {
      const text = succeeded(await server.helm("get", "manifest", "tertulia", "-n", namespace));
      const file = join(server.folder, `${namespace}.yaml`);
      await writeFile(file, text);
      return kept(server, ["-n", namespace, "-f", file]);
    };
    const spec = async () => {
      const get = ["get", "deployment", "tertulia", "-n", namespace, "-o", "json"];
      const { replicas, template } = JSON.parse(succeeded(await server.kubectl(...get))).spec;
      return { replicas, gracePeriod: template.spec.terminationGracePeriodSeconds };
    };
    return { namespace, helm, state, spec };
  }
});

/** That it succeeded, and no server warned of anything. */
function quiet(outcome: Awaited<ReturnType<ApiServer["helm"]>>): void {
  succeeded(outcome);
  const said = outcome.stderr.split("\n").filter((line) => !line.includes("symbolic link"));
  expect(said.join("\n")).toBe("");
}
