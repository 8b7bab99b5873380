/**
 * The part of the chart's values.schema.json that says which settings the gateways have: `npm run schema`
 * writes it there, a test compares.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { z } from "zod";
import { schema } from "#tertulia/config.js";

const FILE = fileURLToPath(new URL("chart/values.schema.json", import.meta.url));

/** The JSON Schema of `config`, from the gateways' own. */
export function configSchema() {
  const { properties } = z.toJSONSchema(schema, { unrepresentable: "any" });
  const settings = Object.entries(properties).map(([name, field]) => {
    const { type, enum: words, minimum, maximum, pattern } = field;
    return [name, words === undefined ? { type, minimum, maximum, pattern } : { enum: words }];
  });
  return { type: "object", additionalProperties: false, properties: Object.fromEntries(settings) };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const values = JSON.parse(readFileSync(FILE, "utf8"));
  values.properties.config = configSchema();
  writeFileSync(FILE, JSON.stringify(values));
}
