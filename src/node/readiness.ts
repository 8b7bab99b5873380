/** Readiness: whether this node serves, as /readyz says. It must be open, and all that it relies on must be there. */

export interface ReadinessConditions {
  /** Whether the node's lease runs. */
  readonly isMember: () => boolean;
  readonly isConnected: () => boolean;
  /** Whether the feed tells what is announced. */
  readonly isHearing: () => boolean;
}

export class Readiness {
  readonly #conditions: ReadinessConditions;
  #state: "starting" | "open" | "stopping" = "starting";

  constructor(conditions: ReadinessConditions) {
    this.#conditions = conditions;
  }

  /** All parts have been started. */
  open(): void {
    this.#state = "open";
  }

  /** The parts are about to be stopped. */
  close(): void {
    this.#state = "stopping";
  }

  get isReady(): boolean {
    const { isMember, isConnected, isHearing } = this.#conditions;
    return this.#state === "open" && isMember() && isConnected() && isHearing();
  }
}
