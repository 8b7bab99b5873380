/** Blocking: who is blocked can write nothing private to this user, and is not told. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { useActions } from "./chat-session.js";
import { Outcome, useRequest } from "./request.js";

/** In the card of somebody else. */
export function BlockButton({ user }: { readonly user: string }): ComponentChildren {
  const { t, chat } = useActions();
  const { state, run } = useRequest();
  const [blocked, setBlocked] = useState<"unknown" | "yes" | "no">("unknown");
  useEffect(
    () => void run(async () => setBlocked((await chat().blocks()).includes(user) ? "yes" : "no")),
    [],
  );
  const change = async (): Promise<void> => {
    if (blocked === "yes") await chat().unblock(user);
    else await chat().block(user);
    setBlocked(blocked === "yes" ? "no" : "yes");
  };
  return (
    <>
      {blocked !== "unknown" && (
        <>
          <Outcome state={state} done={blocked === "yes" ? t.isBlocked : ""} />
          <button class="text-button" onClick={() => void run(change)}>
            {blocked === "yes" ? t.unblock : t.block}
          </button>
        </>
      )}
    </>
  );
}

/** In one's own card. */
export function Blocked(): ComponentChildren {
  const { t, chat } = useActions();
  const { state, run } = useRequest();
  const [users, setUsers] = useState<readonly string[]>([]);
  const list = useRef<HTMLUListElement>(null);
  const ask = (unblocked?: string): void =>
    void run(async () => {
      if (unblocked !== undefined) await chat().unblock(unblocked);
      setUsers(await chat().blocks());
      if (unblocked !== undefined) list.current?.focus(); // the button goes
    });
  useEffect(ask, []);
  return (
    <>
      <ul ref={list} class="entries" tabIndex={-1} aria-label={t.blocked}>
        {users.map((user) => (
          <li key={user}>
            <bdi>{user}</bdi>
            <button class="text-button" onClick={() => ask(user)}>
              {t.unblock} <span class="unseen">{user}</span>
            </button>
          </li>
        ))}
      </ul>
      <Outcome state={state} done={users.length === 0 ? t.noneBlocked : ""} />
    </>
  );
}
