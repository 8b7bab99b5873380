/** The first screen: name and server, what proves that the name is one's own, and why joining failed. */
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { normalizeName } from "../sdk/normalize-name.js";
import type { View } from "../view/model.js";
import { Mark } from "./icons.js";
import { earlierName } from "./chat-session.js";
import {
  askForLogin,
  failureOf,
  failureText,
  isAboutName,
  type Attempt,
  type LoginWay,
} from "./login.js";
import { PasswordField } from "./password-field.js";
import * as proof from "./proof.js";
import type { Texts } from "./texts.js";

interface Props {
  readonly t: Texts;
  readonly view: View | undefined;
  readonly onJoin: (name: string) => void;
}

const { hasAccounts, hasTokens } = proof;

export function JoinForm({ t, view, onJoin }: Props): ComponentChildren {
  const [token, setToken] = useToken();
  const [typed, setTyped] = useState(() => nameFromAddress() ?? earlierName());
  const [server, setServer] = useState(location.host);
  const [way, setWay] = useState<LoginWay>("login");
  const [attempt, setAttempt] = useState<Attempt>();
  const nameField = useRef<HTMLInputElement>(null);
  const secretField = useRef<HTMLInputElement>(null);
  const name = hasTokens ? (proof.nameIn(token) ?? "") : typed.trim();
  const isNew = way === "register";
  const asksPassword = hasAccounts && proof.proofFor(normalizeName(name)) === undefined;

  const state = view?.connection.name;
  const isJoining = attempt?.state === "asking" || state === "connecting" || state === "waiting";
  const failure = attempt?.state === "failed" ? attempt : failureOf(view);
  const isNameWrong = isAboutName(failure?.problem);
  useLayoutEffect(() => {
    // before it is visible, so that nobody types into nothing
    const [first, second] = name === "" || !asksPassword ? [nameField, secretField] : [secretField];
    (first.current ?? second?.current)?.focus();
  }, []);
  useLayoutEffect(() => {
    if (failure === undefined) return;
    (isNameWrong ? nameField : secretField).current?.select(); // ready to be replaced
  }, [failure?.problem, attempt]);

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    // read from the fields, not from the last render: keys are faster than frames
    const secret = secretField.current?.value ?? "";
    const wanted = nameField.current?.value.trim() ?? proof.nameIn(secret) ?? "";
    const elsewhere = addressOf(server, wanted);
    // each server serves its own page, and a page connects only to its own server
    if (elsewhere.host !== location.host) return location.assign(elsewhere);
    if (wanted === "") {
      if (hasTokens) setAttempt({ state: "failed", problem: "bad_credentials" });
      return;
    }
    if (hasTokens) proof.keepToken(secret.trim());
    if (secretField.current !== null && hasAccounts) {
      setAttempt({ state: "asking" });
      const failed = await askForLogin(way, wanted, secret);
      if (failed !== undefined) return setAttempt(failed);
    }
    setAttempt(undefined);
    onJoin(wanted);
  };

  return (
    <main class="join">
      <form class="join-form fields" onSubmit={(event) => void submit(event)}>
        <h1>
          <Mark />
          Tertulia
        </h1>
        <p class="tagline">{t.tagline}</p>
        {hasTokens ? (
          <label>
            <span>{t.token}</span>
            <input
              ref={secretField}
              type="password"
              value={token}
              required
              autocomplete="off"
              spellcheck={false}
              aria-describedby="join-problem token-hint"
              aria-invalid={failure !== undefined}
              onInput={(event) => setToken(event.currentTarget.value)}
            />
            <small id="token-hint" class="hint">
              {t.tokenHint}
            </small>
          </label>
        ) : (
          <label>
            <span>{t.name}</span>
            <input
              ref={nameField}
              name="name"
              value={typed}
              required
              maxLength={64}
              autocomplete="username"
              spellcheck={false}
              placeholder={t.nameHint}
              aria-describedby="join-problem"
              aria-invalid={isNameWrong}
              onInput={(event) => setTyped(event.currentTarget.value)}
            />
          </label>
        )}
        {asksPassword && (
          <PasswordField
            t={t}
            name="password"
            label={isNew ? t.newPassword : t.password}
            autocomplete={isNew ? "new-password" : "current-password"}
            isWrong={failure !== undefined && !isNameWrong}
            problem="join-problem"
            field={secretField}
          />
        )}
        <label>
          <span>{t.server}</span>
          <input
            name="server"
            value={server}
            required
            spellcheck={false}
            autocomplete="off"
            inputMode="url"
            onInput={(event) => setServer(event.currentTarget.value)}
          />
        </label>
        <p id="join-problem" class="problem" role="alert">
          {failure === undefined || isJoining
            ? state === "waiting" && t.unreached
            : failureText(t, failure)}
        </p>
        <button class="primary" disabled={isJoining}>
          {isJoining
            ? t.joining
            : hasTokens && name !== ""
              ? t.joinAs(name)
              : asksPassword
                ? isNew
                  ? t.register
                  : t.logIn
                : t.join}
        </button>
        {asksPassword && proof.mayRegister && (
          <p class="hint">
            {isNew ? t.hasAccount : t.hasNone}{" "}
            <button
              type="button"
              class="text-button"
              onClick={() => {
                setWay(isNew ? "login" : "register");
                setAttempt(undefined);
              }}
            >
              {isNew ? t.logIn : t.register}
            </button>
          </p>
        )}
      </form>
    </main>
  );
}

/** The token that another page has led here with, or one that this tab has; or what is typed. */
function useToken(): [string, (token: string) => void] {
  const [token, setToken] = useState(() => (hasTokens && proof.keptToken()) || "");
  useEffect(() => {
    if (!hasTokens) return undefined;
    const led = (): void => setToken((had) => proof.tokenInAddress() ?? had);
    addEventListener("hashchange", led);
    return () => removeEventListener("hashchange", led);
  }, []);
  return [token, setToken];
}

function nameFromAddress(): string | undefined {
  return new URLSearchParams(location.hash.slice(1)).get("name") ?? undefined;
}

/** The address of a server's page, from `host:port`, `ws://host` or `http://host`. */
function addressOf(server: string, name: string): URL {
  const own = new URL(".", location.href);
  const host = server.trim().replace(/^(?:wss?|https?):\/\//i, "");
  const isSafe =
    /^(?:wss|https):/i.test(server) || (own.protocol === "https:" && !/^\w+:\/\//.test(server));
  try {
    const address = new URL(`${isSafe ? "https" : "http"}://${host}`);
    address.hash = new URLSearchParams({ name }).toString();
    return address;
  } catch {
    return own;
  }
}
