/** The doctor's report, for people. */
import type { Finding, Section } from "./verdict.js";

const NAME_WIDTH = 34;

export function report(sections: readonly Section[]): string {
  const lines: string[] = [];
  for (const { title, findings } of sections) {
    lines.push(title, ...findings.flatMap(linesOf), "");
  }
  const all = sections.flatMap(({ findings }) => findings);
  const count = (is: Finding["is"]): number => all.filter((each) => each.is === is).length;
  lines.push(
    `${count("wrong")} wrong, ${count("warning")} to be looked at, ${count("unseen")} not seen, ${count("ok")} ok`,
  );
  if (all.some(({ set }) => set?.startsWith("CONFIG SET"))) {
    lines.push(
      "CONFIG SET lasts until a restart: write it into redis.conf too, or run CONFIG REWRITE.",
    );
  }
  if (count("unseen") > 0) {
    lines.push(
      "Not seen: CONFIG GET is refused. Ask the provider, or give a URL with a user who may.",
    );
  }
  return lines.join("\n");
}

function linesOf({ name, is, found, why, set }: Finding): string[] {
  const line = `  ${is.padEnd(8)} ${name.padEnd(NAME_WIDTH)} ${found}`;
  if (is === "ok") return [line];
  const indent = " ".repeat(NAME_WIDTH + 12);
  return [line, `${indent}${why}`, ...(set === undefined ? [] : [`${indent}> ${set}`])];
}

export function isWell(sections: readonly Section[]): boolean {
  return sections.every(({ findings }) => findings.every(({ is }) => is !== "wrong"));
}
