import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Where .ci/run wants the counts. */
const report = process.env["TEST_REPORT"];

const BUILD = "test/support/build.ts";
const CONTAINERS = "test/deploy/{compose*,pods}.test.ts";
const API_SERVER = "test/deploy/*-server.test.ts";

/** They run without Redis, sockets or a browser: a contributor without any of these can run them. */
const PURE = [
  "test/architecture{,-*}.test.ts",
  "test/chat/**/*.test.ts",
  "test/clients/{message-sequencer,pure,tui*,view,view-removal}.test.ts",
  "test/config.test.ts",
  "test/cluster/{membership,membership-state,heartbeat}.test.ts",
  "test/metrics.test.ts",
  "test/node/lifetime.test.ts",
  "test/redis/{feed-cells,feed-state,feed-transcripts,lineage,lua-agreement,stored-bytes}.test.ts",
  "test/gateway/{isolation-detector,broadcast,frame,hub,proxy-header,sanction-list}.test.ts",
  "test/window.test.ts",
  "test/verify/{changes,gateway-log,log-events,report,rollback,rules}.test.ts",
  "test/session/{cells,hears-all,properties,same-rules,transition}.test.ts",
  "test/wire/**/*.test.ts",
];

/** They take more than half a minute each: what begins last decides when all have ended. */
const LONG =
  /verify\/run|clients\/web|clients\/terminal|redis\/sentinel|verify\/(identity|scenarios)|cluster\/rolled-back|node\/failed-start|cluster\/poisoned\.test/;

class LongOnesFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => (LONG.test(moduleId) ? 0 : 1);
    // oxlint-disable-next-line unicorn/no-array-sort -- the sequencer's own, no array's
    const sorted = await super.sort(files);
    return sorted.toSorted((a, b) => place(a) - place(b));
  }
}

export default defineConfig({
  test: {
    sequence: { sequencer: LongOnesFirst },
    // containers last and alone: building an image would keep the other tests' disks and cores busy
    projects: [
      { extends: true, test: { name: "pure", include: PURE } },
      {
        extends: true,
        test: {
          name: "processes",
          include: ["test/**/*.test.ts"],
          exclude: [...PURE, CONTAINERS, API_SERVER],
          globalSetup: [BUILD, "test/support/fetch-redis.ts"], // a project's own replaces what it extends
        },
      },
      {
        extends: true,
        test: {
          name: "containers",
          include: [CONTAINERS],
          sequence: { groupOrder: 1 },
          fileParallelism: false,
        },
      },
      {
        extends: true,
        test: { name: "k8s", include: [API_SERVER], sequence: { groupOrder: 2 } },
      },
    ],
    globalSetup: BUILD,
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    reporters: report === undefined ? ["default"] : ["default", ["json", { outputFile: report }]],
    coverage: {
      provider: "v8",
      include: ["{dist,verifier/dist}/**/*.js"],
      exclude: ["dist/main.js", "dist/web/**"],
      reporter: ["text-summary", "html"],
    },
  },
});
