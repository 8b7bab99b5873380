/** What the chat keeps of this user: as a file; and leaving for good. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { useChat } from "./chat-session.js";
import { PasswordField } from "./password-field.js";
import { hasAccounts } from "./proof.js";
import { Outcome, useRequest } from "./request.js";
import { valueIn } from "./fold.js";

export function Export(): ComponentChildren {
  const { t, chat, view } = useChat();
  const { state, run } = useRequest();
  const download = async (): Promise<void> => {
    const text = JSON.stringify(await chat().exportData(), null, 2);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    link.download = `tertulia ${view.me}.json`;
    link.click();
    URL.revokeObjectURL(link.href);
  };
  return (
    <>
      <p class="hint">{t.exportHint}</p>
      <Outcome state={state} done={t.done} />
      <button class="primary" onClick={() => void run(download)}>
        {t.exportData}
      </button>
    </>
  );
}

/** Asks twice. */
export function LeaveForGood(): ComponentChildren {
  const { t, chat } = useChat();
  const { state, run } = useRequest();
  const [step, setStep] = useState<"first" | "second">("first");
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    if (step === "first") return setStep("second");
    const erase = valueIn(form, "what") === "erase";
    const password = hasAccounts ? valueIn(form, "password") : undefined;
    void run(() => chat().unregister({ erase, password }));
  };
  return (
    <form class="fields" onSubmit={submit}>
      <p class="hint">{t.leaveForGoodHint}</p>
      {step === "second" && (
        <>
          <label>
            <span>{t.whatYouWrote}</span>
            <select name="what">
              <option value="keep">{t.textsStay}</option>
              <option value="erase">{t.textsGo}</option>
            </select>
          </label>
          {hasAccounts && (
            <PasswordField
              t={t}
              name="password"
              label={t.password}
              autocomplete="current-password"
              isWrong={typeof state === "object"}
              problem="leave-problem"
            />
          )}
          <p>{t.isForGood}</p>
        </>
      )}
      <div id="leave-problem">
        <Outcome state={state} />
      </div>
      <button class="primary">{step === "first" ? t.leaveForGood : t.yesLeave}</button>
    </form>
  );
}
