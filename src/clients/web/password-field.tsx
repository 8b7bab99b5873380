/** A field for a password, which can be shown. */
import type { ComponentChildren, RefObject } from "preact";
import { useState } from "preact/hooks";
import type { Texts } from "./texts.js";

interface Props {
  readonly t: Texts;
  readonly name: string;
  readonly label: string;
  readonly autocomplete: "current-password" | "new-password";
  readonly isWrong: boolean;
  /** Of the text that says what is wrong. */
  readonly problem: string;
  readonly field?: RefObject<HTMLInputElement | null>;
}

export function PasswordField(props: Props): ComponentChildren {
  const { t, name, label, autocomplete, isWrong, problem, field } = props;
  const [type, setType] = useState<"password" | "text">("password");
  return (
    <div class="password">
      <label>
        <span>{label}</span>
        <input
          ref={field ?? null}
          name={name}
          {...({ type } as object)}
          required
          maxLength={256}
          autocomplete={autocomplete}
          autocapitalize="off"
          spellcheck={false}
          aria-describedby={problem}
          aria-invalid={isWrong}
        />
      </label>
      <button
        type="button"
        class="text-button"
        onClick={() => setType(type === "text" ? "password" : "text")}
      >
        {type === "text" ? t.hide : t.show} <span class="unseen">{t.thePassword}</span>
      </button>
    </div>
  );
}
