/** Asks a person at the screen who they are: an account's password, or a new account. */
import { WebSocket } from "ws";
import { logIn, register, type TertuliaError } from "../sdk/tertulia.js";
import type { Ask } from "./interview.js";
import { sanitizeLine } from "./sanitize.js";
import type { Texts } from "./texts.js";

/** What the chat lists this program as. */
export const CLIENT = "tertulia-terminal";

export interface Asking {
  readonly texts: Texts;
  readonly ask: Ask;
}

interface Who {
  readonly url: string;
  readonly name: string;
}

/** Asks until the chat takes the answer. Undefined: the person has given up. */
export async function askLogin(
  asking: Asking,
  who: Who & { readonly isNew: boolean },
): Promise<string | undefined> {
  const { texts } = asking;
  let { isNew } = who;
  for (let before = "", isFirst = true; ; isFirst = false) {
    if (!isFirst || !isNew) {
      const way = await asking.ask({ text: `${before}${texts.logInOrRegister(shown(who))}` });
      if (way === undefined) return undefined;
      isNew = /^r/i.test(way);
    }
    const outcome = await (isNew ? askNew(asking, who) : askPassword(asking, who));
    if (outcome === undefined || "session" in outcome) return outcome?.session;
    before = `${outcome.problem} `;
  }
}

type Outcome = { readonly session: string } | { readonly problem: string } | undefined;

async function askPassword(asking: Asking, who: Who): Promise<Outcome> {
  const text = asking.texts.password(shown(who));
  const password = await asking.ask({ text, isSecret: true });
  return password === undefined ? undefined : begun(asking.texts, who, logIn, password);
}

async function askNew(asking: Asking, who: Who): Promise<Outcome> {
  const { texts } = asking;
  const chosen = await askNewPassword(asking, texts.newPassword(shown(who)));
  if (chosen === undefined || "problem" in chosen) return chosen;
  return begun(texts, who, register, chosen.password);
}

/** Twice: nobody sees what is typed. */
export async function askNewPassword(
  asking: Asking,
  text: string,
): Promise<{ readonly password: string } | { readonly problem: string } | undefined> {
  const password = await asking.ask({ text, isSecret: true });
  if (password === undefined) return undefined;
  const again = await asking.ask({ text: asking.texts.passwordAgain, isSecret: true });
  if (again === undefined) return undefined;
  return again === password ? { password } : { problem: asking.texts.notTheSame };
}

async function begun(
  texts: Texts,
  { url, name }: Who,
  call: typeof logIn | typeof register,
  password: string,
): Promise<Outcome> {
  if (password === "") return { problem: texts.problem.bad_credentials };
  try {
    return { session: await call(url, { name, password, client: CLIENT, WebSocket }) };
  } catch (error) {
    const { code, message } = error as TertuliaError;
    if (code === "forbidden") return { problem: `${texts.noAccounts} (${texts.logInHow})` };
    return { problem: texts.problem[code] ?? sanitizeLine(message) };
  }
}

function shown({ name }: Who): string {
  return sanitizeLine(name);
}
