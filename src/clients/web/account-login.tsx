/** Of an account: another password, and the devices that are logged in. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { LoginSession } from "../sdk/events.js";
import { useActions } from "./chat-session.js";
import { valueIn } from "./fold.js";
import { PasswordField } from "./password-field.js";
import { Outcome, useRequest } from "./request.js";
import { ShortTime } from "./times.js";

export function ChangePassword({ name }: { readonly name: string }): ComponentChildren {
  const { t, chat } = useActions();
  const { state, run } = useRequest();
  const isWrong = typeof state === "object" && state.problem;
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    void run(async () => {
      await chat().changePassword(valueIn(form, "old"), valueIn(form, "new"));
      form.reset();
    });
  };
  return (
    <form class="fields" onSubmit={submit}>
      {/* password managers want to know whose it is */}
      <input type="hidden" name="username" autocomplete="username" value={name} />
      <PasswordField
        t={t}
        name="old"
        label={t.oldPassword}
        autocomplete="current-password"
        isWrong={isWrong === "bad_credentials"}
        problem="password-problem"
      />
      <PasswordField
        t={t}
        name="new"
        label={t.newPassword}
        autocomplete="new-password"
        isWrong={isWrong === "bad_password"}
        problem="password-problem"
      />
      <div id="password-problem">
        <Outcome state={state} done={t.passwordChanged} />
      </div>
      <button class="primary">{t.changePassword}</button>
    </form>
  );
}

export function Devices(): ComponentChildren {
  const { t, chat } = useActions();
  const { state, run } = useRequest();
  const [devices, setDevices] = useState<readonly LoginSession[]>([]);
  const list = useRef<HTMLUListElement>(null);
  const ask = (end?: string): void =>
    void run(async () => {
      setDevices(await chat().sessions({ end }));
      if (end !== undefined) list.current?.focus(); // the button goes
    });
  useEffect(ask, []);
  return (
    <>
      <ul ref={list} class="entries" tabIndex={-1} aria-label={t.devices}>
        {devices.map(({ id, client, began, used, own }) => (
          <li key={id}>
            <span>
              <b>{client || t.unknownDevice}</b>
              <small class="hint">
                {own ? (
                  t.thisDevice
                ) : (
                  <>
                    {t.lastUsed} <ShortTime ts={used} />
                  </>
                )}
                {" · "}
                {t.since} <ShortTime ts={began} />
              </small>
            </span>
            {!own && (
              <button class="text-button" onClick={() => ask(id)}>
                {t.logOut} <span class="unseen">{client}</span>
              </button>
            )}
          </li>
        ))}
      </ul>
      <Outcome state={state} />
      {devices.length > 1 && (
        <button class="text-button" onClick={() => ask("others")}>
          {t.logOutOthers}
        </button>
      )}
    </>
  );
}
