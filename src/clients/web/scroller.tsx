/**
 * Scroll anchoring: only the reader scrolls. The messages in sight stay where they are, whatever is added or removed
 * above, between and below them; at the end, the end stays in sight.
 *
 * Positions are measured just before the page changes and restored just after, in one step: no movement of the
 * reader is ever undone. The browser's own scroll anchoring is not enough: Safari has none, and no browser's
 * works at the very top.
 */
import { Component, type ComponentChildren, type RefObject } from "preact";

interface Props {
  readonly area: RefObject<HTMLDivElement | null>;
  readonly label: string;
  readonly isBusy: boolean;
  /** What the children show. Messages are added or removed only when this changes. */
  readonly lines: unknown;
  /** After each movement, and after each change of the lines or of the size. */
  readonly onMove: () => void;
  readonly children: ComponentChildren;
}

/** Positions are rounded: a smaller distance counts as none. */
const ROUNDED_PX = 2;

export class Scroller extends Component<Props> {
  readonly #resizing = new ResizeObserver(() => {
    restore(this.#area, this.#position);
    this.#moved();
  });
  /** As of the last movement: sizes change without an event before. */
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
    // otherwise the size has changed as well, and its observer will restore the position
    if (sizeOf(this.#area) === this.#position.size) this.#moved();
  };

  #moved(): void {
    this.#position = this.#measured();
    if (this.#isShown) this.props.onMove();
  }

  /** While a narrow screen shows the list instead, the position is kept. */
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

/** Restores the position by the first message that is still there. */
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
