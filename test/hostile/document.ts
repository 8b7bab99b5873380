/** The page docs/hostile-input.md: what is sent, what it should get, what it got. */
import type { Chapter, HostileCase } from "./hostile-case.js";

const HEAD = `# Hostile input

What the gateways answer to clients that break every rule. [A test](../test/hostile/hostile-input.test.ts) sends each row over
a real socket, compares the answer, and sees that both gateways live and that other clients chat on; it writes this page
(\`npx vitest run test/hostile -u\`) and fails if the page tells something else.

*Lives* means that the connection answers a ping afterwards; a number behind *closed with* is the
[close code](../PROTOCOL.md#closing); a number alone the status of HTTP, several if there were several answers; *cut* is an end
without any of them. In the dialects of bytes, numbers are the codes of the server's frames. Rows marked *open* are not
answered as they should be yet, so nobody may rely on them. How fast honest clients are served meanwhile is measured by
\`npm run hostile\` ([measuring](../CONTRIBUTING.md#measuring)).
`;

export function documentOf(
  chapters: readonly Chapter[],
  seen: ReadonlyMap<HostileCase, string>,
): string {
  const parts = chapters.map(({ title, cases }) => {
    const rows = cases.map((each) => {
      const answer =
        each.open === undefined ? (seen.get(each) ?? "not tried") : `*open*: ${each.open}`;
      return `| ${cell(each.sent)} | ${cell(each.expected)} | ${cell(answer)} |`;
    });
    return `\n## ${title}\n\n| sent | expected | seen |\n| --- | --- | --- |\n${rows.join("\n")}\n`;
  });
  return HEAD + parts.join("");
}

function cell(text: string): string {
  return text.replaceAll("|", String.raw`\|`).replaceAll("<", "&lt;");
}
