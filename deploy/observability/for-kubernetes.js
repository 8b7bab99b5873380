// `npm run alerts`: the alerts as a PrometheusRule, because kustomize reads no file outside its own folder.
import { readFileSync, writeFileSync } from "node:fs";
import { parse, stringify } from "yaml";

const alerts = readFileSync(new URL("alerts.yml", import.meta.url), "utf8");
const rule = {
  apiVersion: "monitoring.coreos.com/v1",
  kind: "PrometheusRule",
  metadata: { name: "tertulia" },
  spec: parse(alerts),
};
const made = "# Made of deploy/observability/alerts.yml by `npm run alerts`\n";
const target = new URL("../../k8s/components/monitoring/rules.yaml", import.meta.url);
writeFileSync(target, made + stringify(rule, { lineWidth: 0 }));
