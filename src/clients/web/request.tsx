/** A request that a button of a dialog makes: under way, done, or refused; and how that is told. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { failureFrom, failureText, type Failure } from "./login.js";
import { useActions } from "./chat-session.js";

export type RequestState = "none" | "asking" | "done" | Failure;

interface Request {
  readonly state: RequestState;
  /** One at a time. Resolves when it has an answer, of whatever kind. */
  readonly run: (act: () => Promise<unknown>) => Promise<void>;
}

export function useRequest(): Request {
  const [state, setState] = useState<RequestState>("none");
  const run = async (act: () => Promise<unknown>): Promise<void> => {
    if (state === "asking") return;
    setState("asking");
    try {
      await act();
      setState("done");
    } catch (error) {
      setState(failureFrom(error));
    }
  };
  return { state, run };
}

/** @param done what is said when it is done; nothing, if it is seen anyway */
export function Outcome({
  state,
  done = "",
}: {
  readonly state: RequestState;
  readonly done?: string;
}): ComponentChildren {
  const { t } = useActions();
  const isBad = typeof state === "object";
  return (
    <p class={isBad ? "problem" : "hint"} role="status">
      {isBad ? failureText(t, state) : state === "done" ? done : state === "asking" && t.waiting}
    </p>
  );
}
