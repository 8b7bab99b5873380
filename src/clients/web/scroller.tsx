/**
 * An area that its reader scrolls, and nobody else. The messages in sight stay where they are, whatever
 * comes or goes above, between and below them; who is at the end stays there.
 *
 * Where they are is measured just before the page changes and put right just after, in one go: nothing
 * is remembered in between, so no movement of the reader is ever taken back. The browser's own anchoring
 * is not enough: Safari has none, and no browser's works at the very top.
 */
import { Component, type ComponentChildren, type RefObject } from "preact";

interface Props {
  readonly area: RefObject<HTMLDivElement | null>;
  readonly label: string;
  readonly isBusy: boolean;
  /** What the children show: only when this is another one, messages come or go. */
  readonly lines: unknown;
  /** After each movement, and after each change of the lines or of the size. */
  readonly onMove: () => void;
  readonly children: ComponentChildren;
}

/** Less than this is none: positions are rounded. */
const ROUNDED_PX = 2;

export class Scroller extends Component<Props> {
  readonly #resizing = new ResizeObserver(() => {
    restore(this.#area, this.#position);
    this.#moved();
  });
  /** As of the last movement: a size changes without notice. */
  #position: ScrollPosition = { isAtEnd: true, seen: [], size: "" };

  override componentDidMount(): void {
    scrollToEnd(this.#area);
    this.#resizing.observe(this.#area);
    this.#resizing.observe(this.#area.firstElementChild!); // letters may become larger, say
  }

  override componentWillUnmount(): void {
    this.#resizing.disconnect();
  }

  override getSnapshotBeforeUpdate({ lines }: Props): ScrollPosition | undefined {
    return lines === this.props.lines ? undefined : this.#measured();
  }

  override componentDidUpdate(_: Props, __: unknown, place: ScrollPosition | undefined): void {
    if (place === undefined) return;
    restore(this.#area, place);
    this.#moved();
  }

  readonly #scrolled = (): void => {
    // else the size has changed as well, and its observer is about to put it right
    if (sizeOf(this.#area) === this.#position.size) this.#moved();
  };

  #moved(): void {
    this.#position = this.#measured();
    if (this.#isShown) this.props.onMove();
  }

  /** Where a narrow screen shows the list instead, the reader is where they were. */
  #measured(): ScrollPosition {
    return this.#isShown ? placeIn(this.#area) : this.#position;
  }

  get #isShown(): boolean {
    return this.#area.clientHeight > 0;
  }

  get #area(): HTMLElement {
    return this.props.area.current!;
  }

  override render({ area, label, isBusy, children }: Props): ComponentChildren {
    return (
      <div
        class="timeline"
        ref={area}
        onScroll={this.#scrolled}
        tabIndex={0}
        role="region"
        aria-label={label}
        aria-busy={isBusy}
      >
        <div class="said-so-far">{children}</div>
      </div>
    );
  }
}

interface ScrollPosition {
  readonly isAtEnd: boolean;
  /** The messages in sight, from top to bottom; and how far each one is below the top of the area. */
  readonly seen: readonly { readonly key: string; readonly top: number }[];
  readonly size: string;
}

function sizeOf({ clientWidth, clientHeight, scrollHeight }: HTMLElement): string {
  return [clientWidth, clientHeight, scrollHeight].join();
}

function placeIn(area: HTMLElement): ScrollPosition {
  const { top, bottom } = area.getBoundingClientRect();
  const messages = area.querySelectorAll<HTMLElement>(".message");
  const seen: { key: string; top: number }[] = [];
  for (let at = firstBelow(messages, top); at < messages.length; at++) {
    const place = messages[at]!.getBoundingClientRect();
    if (place.top >= bottom) break;
    seen.push({ key: messages[at]!.dataset["key"]!, top: place.top - top });
  }
  return { isAtEnd: distanceToEnd(area) < ROUNDED_PX, seen, size: sizeOf(area) };
}

/** The first one that ends below a line: they stand in order. */
function firstBelow(messages: ArrayLike<HTMLElement>, top: number): number {
  let from = 0;
  let to = messages.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if (messages[middle]!.getBoundingClientRect().bottom > top) to = middle;
    else from = middle + 1;
  }
  return from;
}

/** By the first one of them that is still there. */
function restore(area: HTMLElement, { isAtEnd, seen }: ScrollPosition): void {
  if (isAtEnd) {
    if (distanceToEnd(area) !== 0) scrollToEnd(area);
    return;
  }
  for (const { key, top } of seen) {
    const message = area.querySelector(`[data-key="${CSS.escape(key)}"]`);
    if (message === null) continue;
    const by = message.getBoundingClientRect().top - area.getBoundingClientRect().top - top;
    if (Math.abs(by) >= 0.5) area.scrollTop += by;
    return;
  }
}

export function scrollToEnd(area: HTMLElement): void {
  area.scrollTop = area.scrollHeight;
}

/** How far it is to the end, in pixels. */
export function distanceToEnd({ scrollHeight, scrollTop, clientHeight }: HTMLElement): number {
  return scrollHeight - scrollTop - clientHeight;
}
