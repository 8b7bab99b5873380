/** The chat of a model world: who has the name, which messages there are, and how a question is answered. */
import type { Input } from "#tertulia/session/inputs.js";
import { message } from "./cell-samples.js";
import type { ModelShell, Question } from "./model-shell.js";

const general = { kind: "general" } as const;

export class ModelStore {
  owner: ModelShell | "somebody else" | undefined;
  /** Number of the newest message. */
  head = 0;
  /** Sessions that were told that their names may be others' by now. */
  readonly suspended = new Set<ModelShell>();
  #offset = 0;

  /** Where the next event stands. */
  nextAt(): { generation: number; offset: number } {
    return { generation: 1, offset: ++this.#offset };
  }

  answerTo(question: Question, shell: ModelShell, rest: number): Input {
    const fails = rest % 9 === 8;
    switch (question.type) {
      case "claim": {
        if (fails) return { type: "claimAnswered", answer: { outcome: "unavailable" } };
        if (!this.#claims(shell)) return { type: "claimAnswered", answer: { outcome: "taken" } };
        this.suspended.delete(shell);
        return { type: "claimAnswered", answer: { outcome: "back", at: this.nextAt() } };
      }
      case "reclaim": {
        const { mayBeOlder, round } = question;
        const answered = (outcome: "taken" | "unavailable"): Input => {
          return { type: "reclaimAnswered", mayBeOlder, round, answer: { outcome } };
        };
        if (fails) return answered("unavailable");
        const at = this.owner === shell ? undefined : this.nextAt();
        if (!this.#claims(shell)) return answered("taken");
        this.suspended.delete(shell);
        return { type: "reclaimAnswered", mayBeOlder, round, answer: { outcome: "kept", at } };
      }
      case "contest": {
        if (this.owner === "somebody else" && rest % 2 === 0) this.owner = undefined;
        return { type: "contestDecided", mayBeFree: rest % 3 > 0 };
      }
      case "release": {
        if (fails) return { type: "releaseAnswered", isReleased: false };
        this.#leaves(shell);
        return { type: "releaseAnswered", isReleased: true };
      }
      case "execute":
        return this.#executed(question.command, shell, fails);
      case "beginLogin":
        if (fails) return { type: "failed", why: "unavailable" };
        return { type: "answered", reply: { type: "refused", refusal: "bad_credentials" } };
      case "resume": {
        if (fails) return { type: "failed", why: "unavailable" };
        const state = {
          conversation: general,
          epoch: 1,
          head: this.head,
          floor: 1,
          time: 1,
          read: 0,
        };
        return { type: "resumed", conversations: [{ state, after: 0, gaps: [] }] };
      }
      case "readPage": {
        if (fails) return { type: "failed", why: "unavailable" };
        const last = Math.min(this.head, question.after + 2);
        const messages = [];
        for (let seq = question.after + 1; seq <= last; seq++) messages.push(message(seq));
        const extent = { epoch: 1, head: this.head, floor: 1, time: 1 };
        return {
          type: "pageRead",
          page: { ...extent, messages, more: last < this.head, epochThere: 1, hasEpoch: true },
        };
      }
      default:
        return question satisfies never;
    }
  }

  #executed(
    command: Extract<Question, { type: "execute" }>["command"],
    shell: ModelShell,
    fails: boolean,
  ): Input {
    if (fails) return { type: "failed", why: "unavailable" };
    if (command.type === "send") this.head++;
    if (command.type === "status" && command.status === "disconnected") this.#leaves(shell);
    return { type: "answered", reply: { type: "accepted" } };
  }

  #claims(shell: ModelShell): boolean {
    if (this.owner !== undefined && this.owner !== shell) return false;
    this.owner = shell;
    return true;
  }

  #leaves(shell: ModelShell): void {
    if (this.owner === shell) this.owner = undefined;
  }
}
