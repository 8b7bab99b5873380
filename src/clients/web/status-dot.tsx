/** A status as a small sign: its shape tells as much as its colour. */
import type { ComponentChildren } from "preact";
import type { Card } from "../view/model.js";

export function StatusDot({ status }: { readonly status: Card["status"] }): ComponentChildren {
  return <span class={`dot dot-${status}`} aria-hidden="true" />;
}
