/** A part of a dialog that opens on demand; what it shows is asked for then. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";

interface Props {
  readonly title: string;
  readonly children: ComponentChildren;
}

export function Fold({ title, children }: Props): ComponentChildren {
  const [state, setState] = useState<"closed" | "open">("closed");
  return (
    <details
      class="fold"
      name="fold"
      onToggle={(event) => setState(event.currentTarget.open ? "open" : "closed")}
    >
      <summary>{title}</summary>
      {state === "open" && <div class="fold-body">{children}</div>}
    </details>
  );
}

/** What is in a field now: keys are faster than frames. */
export function valueIn(form: HTMLFormElement, name: string): string {
  return (form.elements.namedItem(name) as HTMLInputElement | HTMLSelectElement).value;
}
