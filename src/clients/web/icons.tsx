/** Small drawings; decoration only, the words are elsewhere. */
import type { ComponentChildren } from "preact";

/** Four people in a circle. */
export function Mark(): ComponentChildren {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
      <circle cx="16" cy="6.5" r="4" />
      <circle cx="25.5" cy="16" r="4" />
      <circle cx="16" cy="25.5" r="4" />
      <circle cx="6.5" cy="16" r="4" opacity=".45" />
    </svg>
  );
}

const PATHS = {
  back: "M15 5l-7 7 7 7",
  send: "M4 12h15M13 6l6 6-6 6",
  bell: "M6 16v-5a6 6 0 0112 0v5l1.5 2h-15zM10 21h4",
  search: "M10.5 17a6.5 6.5 0 100-13 6.5 6.5 0 000 13zM20 20l-4.5-4.5",
  leave: "M10 4H5v16h5M14 8l4 4-4 4M18 12H9",
  close: "M6 6l12 12M18 6L6 18",
  down: "M12 5v14M6 13l6 6 6-6",
  up: "M12 19V5M6 11l6-6 6 6",
  check: "M5 12.5l4.5 4.5L19 7.5",
  clock: "M12 7v5l3 2M12 21a9 9 0 100-18 9 9 0 000 18z",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  about: "M12 11v5M12 7.5v.1M12 21a9 9 0 100-18 9 9 0 000 18z",
} as const;

export function Icon({ name }: { readonly name: keyof typeof PATHS }): ComponentChildren {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}

/** An avatar: the first letter of a name, on a muted colour that depends on the name. */
export function Face({ name }: { readonly name: string }): ComponentChildren {
  let sum = 0;
  for (const letter of name) sum = (sum * 31 + letter.codePointAt(0)!) % 997;
  const first = [...new Intl.Segmenter().segment(name)][0]?.segment ?? "?";
  return (
    <span class={`face hue-${sum % 6}`} aria-hidden="true">
      {first.toUpperCase()}
    </span>
  );
}
