/**
 * A real Kubernetes API server for tests: kube-apiserver, etcd, kubectl and helm, built once from their Go
 * modules into a cache outside the repository, with the custom resource definitions that our manifests use.
 * `npm run test:k8s` runs this file before the tests; `npm test` only uses what it finds in the cache.
 */
import { execFileSync, spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const KUBERNETES = "1.36.3";
const HELM = "4.2.4"; // the newest that is made for this Kubernetes
const ETCD = "3.6.8"; // what this Kubernetes is tested with

const MODULES = {
  "k8s.io/kubernetes": `v${KUBERNETES}`,
  "helm.sh/helm/v4": `v${HELM}`,
  "go.etcd.io/etcd/server/v3": `v${ETCD}`,
};

/** Name of the binary → the package that it is built from. */
const PROGRAMS = {
  "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
  kubectl: "k8s.io/kubernetes/cmd/kubectl",
  helm: "helm.sh/helm/v4/cmd/helm",
  etcd: "go.etcd.io/etcd/server/v3",
};

const PROMETHEUS = "example/prometheus-operator-crd/monitoring.coreos.com";

/** Module → the definitions in it that our manifests, or those of an operator beside them, use. */
const DEFINITIONS = {
  "github.com/prometheus-operator/prometheus-operator@v0.85.0": [
    `${PROMETHEUS}_servicemonitors.yaml`,
    `${PROMETHEUS}_podmonitors.yaml`,
    `${PROMETHEUS}_prometheusrules.yaml`,
  ],
  "github.com/cert-manager/cert-manager@v1.21.2": [
    "deploy/crds/cert-manager.io_certificates.yaml",
    "deploy/crds/cert-manager.io_issuers.yaml",
  ],
  "sigs.k8s.io/gateway-api@v1.6.0": [
    "config/crd/standard/gateway.networking.k8s.io_httproutes.yaml",
  ],
};

const CACHE = join(
  process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"),
  "tertulia-k8s",
  `v${KUBERNETES}`,
);

/** Folders of what was built. */
export const BINARIES = join(CACHE, "bin");
export const CRDS = join(CACHE, "crds");

/** Why there is no API server to test on, or undefined. */
export function whyNoApiServer() {
  const hasAll =
    Object.keys(PROGRAMS).every((name) => existsSync(join(BINARIES, name))) && existsSync(CRDS);
  if (hasAll) return undefined;
  return `no API server in ${CACHE} (npm run test:k8s builds one): manifests and chart are not tried on it`;
}

/** Builds what is missing: minutes of two cores, some 5 GB in Go's caches; 250 MB are what is needed later. */
function buildTools() {
  mkdirSync(BINARIES, { recursive: true });
  if (!existsSync(CRDS)) fetchDefinitions();
  const missing = Object.keys(PROGRAMS).filter((name) => !existsSync(join(BINARIES, name)));
  if (missing.length === 0) return;
  console.log(`building ${missing.join(", ")} into ${BINARIES}, once; this takes some 10 minutes`);
  const folder = mkdtempSync(join(CACHE, "build-"));
  try {
    writeFileSync(join(folder, "go.mod"), goMod());
    const version = "k8s.io/component-base/version";
    const [major, minor] = KUBERNETES.split(".");
    const flags = [
      "-s -w",
      `-X ${version}.gitVersion=v${KUBERNETES} -X ${version}.gitMajor=${major} -X ${version}.gitMinor=${minor}`,
      `-X helm.sh/helm/v4/internal/version.version=v${HELM}`,
    ].join(" ");
    for (const name of missing) {
      console.log(name);
      const args = ["build", "-mod=mod", "-trimpath", "-ldflags", flags, "-p", "2", "-o", name];
      go([...args, PROGRAMS[name]], { cwd: folder, stdio: "inherit" });
      renameSync(join(folder, name), join(BINARIES, name));
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Kubernetes' own go.mod replaces its parts by folders beside it; a module elsewhere takes the published ones. */
function goMod() {
  const { GoMod } = download(`k8s.io/kubernetes@v${KUBERNETES}`);
  const parts = [...readFileSync(GoMod, "utf8").matchAll(/^\s*(k8s\.io\/\S+) => \.\//gm)];
  const replaced = parts.map(([, part]) => `replace ${part} => ${part} v0${KUBERNETES.slice(1)}`);
  const required = Object.entries(MODULES).map(([path, version]) => `require ${path} ${version}`);
  return ["module tertulia.test/k8s", "go 1.26.0", ...required, ...replaced].join("\n");
}

function fetchDefinitions() {
  const folder = mkdtempSync(join(CACHE, "crds-"));
  for (const [module, files] of Object.entries(DEFINITIONS)) {
    const { Dir } = download(module);
    for (const file of files) copyFileSync(join(Dir, file), join(folder, file.split("/").at(-1)));
  }
  renameSync(folder, CRDS);
}

function download(module) {
  return JSON.parse(go(["mod", "download", "-json", module], { cwd: CACHE, encoding: "utf8" }));
}

function go(args, options) {
  return execFileSync("go", args, { env: { ...process.env, CGO_ENABLED: "0" }, ...options });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  if (whyNoApiServer() !== undefined) {
    if (spawnSync("go", ["version"]).status === 0) buildTools();
    else console.log("no Go here: kube-apiserver, etcd, kubectl and helm cannot be built");
  }
}
