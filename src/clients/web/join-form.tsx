/** The first screen: name and server, and why joining failed. */
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { View } from "../view/model.js";
import { Mark } from "./icons.js";
import { earlierName } from "./chat-session.js";
import { problemText, type Texts } from "./texts.js";

interface Props {
  readonly t: Texts;
  readonly view: View | undefined;
  readonly onJoin: (name: string) => void;
}

export function JoinForm({ t, view, onJoin }: Props): ComponentChildren {
  const [name, setName] = useState(() => nameFromAddress() ?? earlierName());
  const [server, setServer] = useState(location.host);
  const field = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => field.current?.focus(), []); // before it is visible, so that nobody types into nothing

  const state = view?.connection;
  const isJoining = state?.name === "connecting" || state?.name === "waiting";
  const refusal = state?.name === "closed" ? state.problem : undefined;
  const why = state?.name === "closed" ? state.why : undefined;
  const isWrong = refusal === "name_taken" || refusal === "name_kept" || refusal === "bad_name";
  useLayoutEffect(() => {
    if (isWrong) field.current!.select(); // ready to be replaced
  }, [isWrong]);

  const submit = (event: Event): void => {
    event.preventDefault();
    const name = field.current!.value.trim(); // keys are faster than frames
    if (name === "") return;
    const elsewhere = addressOf(server, name);
    // each server serves its own page, and a page connects only to its own server
    if (elsewhere.host === location.host) onJoin(name);
    else location.assign(elsewhere);
  };

  return (
    <main class="join">
      <form class="join-form" onSubmit={submit}>
        <h1>
          <Mark />
          Tertulia
        </h1>
        <p class="tagline">{t.tagline}</p>
        <label>
          <span>{t.name}</span>
          <input
            ref={field}
            name="name"
            value={name}
            required
            maxLength={64}
            autocomplete="username"
            spellcheck={false}
            placeholder={t.nameHint}
            aria-describedby="join-problem"
            aria-invalid={isWrong}
            onInput={(event) => setName(event.currentTarget.value)}
          />
        </label>
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
          {refusal ? problemText(t, refusal, why) : state?.name === "waiting" && t.unreached}
        </p>
        <button class="primary" disabled={isJoining}>
          {isJoining ? t.joining : t.join}
        </button>
      </form>
    </main>
  );
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
