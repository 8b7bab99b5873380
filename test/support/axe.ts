/** What axe-core finds wrong with a page for people who do not see, hear or point as most do. */
import axe from "axe-core";
import type { Page } from "playwright-core";

interface Found {
  readonly violations: readonly {
    readonly id: string;
    readonly impact?: string | null;
    readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
  }[];
}

/** The serious and critical ones, and what stands outside of all landmarks; each with where it is. */
export async function barriers(page: Page): Promise<string[]> {
  // evaluated by the debugger, which the page's own policy does not concern
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate<Found>("axe.run()");
  return violations
    .filter(({ id, impact }) => id === "region" || impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) => nodes.map((each) => `${id}: ${each.html} ${each.failureSummary}`));
}
