/** A status as a dot, told apart by shape as well as by colour. */
import type { ComponentChildren } from "preact";
import type { Card } from "../view/model.js";

export function StatusDot({ status }: { readonly status: Card["status"] }): ComponentChildren {
  return <span class={`dot dot-${status}`} aria-hidden="true" />;
}
