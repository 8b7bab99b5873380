// What vitest's reports come to, a later one overruling an earlier one file by file.
// `verdict.js failed REPORT…` prints the files that failed, `verdict.js counts REPORT…` "passed failed skipped".
import { readFileSync } from "node:fs";

const [what, ...reports] = process.argv.slice(2);
const files = new Map();
for (const report of reports) {
  for (const file of JSON.parse(readFileSync(report, "utf8")).testResults)
    files.set(file.name, file);
}

const count = (status) =>
  [...files.values()]
    .flatMap((file) => file.assertionResults)
    .filter((test) => test.status === status).length;
const failed = [...files.values()].filter((file) => file.status === "failed");
// a file whose hooks failed has failed, though none of its tests did
const broken = failed.filter(
  (file) => !file.assertionResults.some((test) => test.status === "failed"),
);

if (what === "failed") console.log(failed.map((file) => file.name).join("\n"));
else
  console.log(
    count("passed"),
    count("failed") + broken.length,
    count("pending") + count("skipped"),
  );
