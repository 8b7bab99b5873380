/** The environment of a container, as its spec, the pod's fields and the secrets have it. */

// oxlint-disable-next-line typescript/no-explicit-any -- manifests are trees of anything
type Tree = any;

/** Name of a secret → key → value. */
export type Secrets = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** @throws if a secret that is not optional is missing */
export function environmentOf(
  pod: string,
  { env = [] }: Tree,
  secrets: Secrets,
): Record<string, string> {
  const known: Record<string, string> = {};
  const fields: Record<string, string> = { "metadata.name": pod, "metadata.namespace": "test" };
  for (const { name, value, valueFrom } of env) {
    const { fieldRef, secretKeyRef } = valueFrom ?? {};
    if (value !== undefined) {
      known[name] = value.replaceAll(
        /\$\((\w+)\)/g,
        (all: string, key: string) => known[key] ?? all,
      );
    } else if (fieldRef !== undefined) {
      known[name] = fields[fieldRef.fieldPath]!;
    } else {
      const found = secrets[secretKeyRef.name]?.[secretKeyRef.key];
      if (found === undefined && secretKeyRef.optional !== true) {
        throw new Error(`there is no ${secretKeyRef.key} in the secret ${secretKeyRef.name}`);
      }
      if (found !== undefined) known[name] = found;
    }
  }
  return known;
}
