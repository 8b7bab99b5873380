/** What moderators and operators do to a user, in the card of that user; and what is in force, in their own. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Sanction } from "../sdk/events.js";
import type { ModerateOptions } from "../sdk/options.js";
import { useActions } from "./chat-session.js";
import { valueIn } from "./fold.js";
import { Outcome, useRequest } from "./request.js";
import { ShortTime } from "./times.js";

type Act = ModerateOptions["act"];

const ACTS: readonly Act[] = ["kick", "mute", "ban", "unmute", "unban"];
const [MINUTE, HOUR, DAY] = [60_000, 3_600_000, 86_400_000];
/** The last one: for good. */
const TIMES = [10 * MINUTE, HOUR, DAY, 7 * DAY, Infinity];

export function Moderation({ user }: { readonly user: string }): ComponentChildren {
  const { t, chat } = useActions();
  const { state, run } = useRequest();
  const [act, setAct] = useState<Act>("kick");
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const forMs = act === "mute" || act === "ban" ? Number(valueIn(form, "for")) : Infinity;
    const reason = act.startsWith("un") ? "" : valueIn(form, "reason").trim();
    void run(() => chat().moderate({ act, user, reason, ...(forMs !== Infinity && { forMs }) }));
  };
  return (
    <form class="fields" onSubmit={submit}>
      <label>
        <span>{t.act}</span>
        <select value={act} onChange={({ currentTarget }) => setAct(currentTarget.value as Act)}>
          {ACTS.map((each) => (
            <option key={each} value={each}>
              {t.acts[each]}
            </option>
          ))}
        </select>
      </label>
      {(act === "mute" || act === "ban") && (
        <label>
          <span>{t.forHowLong}</span>
          <select name="for">
            {TIMES.map((ms, index) => (
              <option key={ms} value={ms}>
                {t.times[index]}
              </option>
            ))}
          </select>
        </label>
      )}
      {!act.startsWith("un") && (
        <label>
          <span>{t.reason}</span>
          <input name="reason" maxLength={200} autocomplete="off" placeholder={t.reasonHint} />
        </label>
      )}
      <Outcome state={state} done={t.done} />
      <button class="primary">{t.acts[act]}</button>
    </form>
  );
}

export function Sanctions(): ComponentChildren {
  const { t, chat } = useActions();
  const { state, run } = useRequest();
  const [sanctions, setSanctions] = useState<readonly Sanction[]>([]);
  const list = useRef<HTMLUListElement>(null);
  const lift = ({ kind, target, address }: Sanction): Promise<unknown> =>
    chat().moderate({
      act: kind === "ban" ? "unban" : "unmute",
      ...(address === true ? { address: target } : { user: target }),
    });
  const ask = (lifted?: Sanction): void =>
    void run(async () => {
      if (lifted !== undefined) await lift(lifted);
      setSanctions(await chat().sanctions());
      if (lifted !== undefined) list.current?.focus(); // the button goes
    });
  useEffect(ask, []);
  return (
    <>
      <ul ref={list} class="entries" tabIndex={-1} aria-label={t.sanctions}>
        {sanctions.map((each) => (
          <li key={each.kind + each.target}>
            <span>
              <b>
                {t.acts[each.kind]}: <bdi>{each.target}</bdi>
              </b>
              <small class="hint">
                <bdi>{each.reason}</bdi>{" "}
                {each.until === undefined ? (
                  t.times[4]
                ) : (
                  <>
                    {t.until} <ShortTime ts={each.until} />
                  </>
                )}
              </small>
            </span>
            <button class="text-button" onClick={() => ask(each)}>
              {t.lift} <span class="unseen">{each.target}</span>
            </button>
          </li>
        ))}
      </ul>
      <Outcome state={state} done={sanctions.length === 0 ? t.noSanctions : ""} />
    </>
  );
}
