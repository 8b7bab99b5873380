/** Carries out a command that the chat answers: on the screen, where it may ask a person, and in a pipe, where it may not. */
import { writeFile } from "node:fs/promises";
import type { Message, ModerationAct, Tertulia, TertuliaError } from "../sdk/tertulia.js";
import type { ChatCommand, Which } from "./chat-commands.js";
import type { Ask } from "./interview.js";
import { forgetLogin } from "./credentials.js";
import { askNewPassword } from "./login.js";
import { sanitizeJson, sanitizeLine } from "./sanitize.js";
import type { Texts } from "./texts.js";

export interface Answer {
  readonly title: string;
  readonly lines: readonly string[];
  /** The same for programs, one for each line of `--json`. */
  readonly json: readonly object[];
}

export interface AnswerSource {
  readonly chat: Tertulia;
  readonly texts: Texts;
  /** Undefined: nobody can be asked. */
  readonly ask: Ask | undefined;
  /** That the program was given. */
  readonly password: string | undefined;
  readonly url: string;
  find(which: Which): Promise<Message | undefined>;
}

/** Whether a person is asked before it is done. */
export function isAskedFirst({ type }: ChatCommand): boolean {
  return type === "password" || type === "unregister" || type === "remove";
}

/** Rejects with an error of the SDK, or with one whose message is in the user's language. */
export async function answerTo(source: AnswerSource, command: ChatCommand): Promise<Answer> {
  try {
    return await answer(source, command);
  } catch (error) {
    throw clearer(source.texts, command, error);
  }
}

function clearer(texts: Texts, { type }: ChatCommand, error: unknown): unknown {
  const { code } = error as TertuliaError;
  if (code === "not_found" && type === "moderate") return new Error(texts.nothingToLift);
  if (code === "not_found" && type === "remove") return new Error(texts.noSuchMessage);
  if (code === "forbidden" && (type === "password" || type === "sessions")) {
    return new Error(texts.noAccounts);
  }
  return error;
}

async function answer(source: AnswerSource, command: ChatCommand): Promise<Answer> {
  const { chat, texts } = source;
  switch (command.type) {
    case "password":
      return changePassword(source);
    case "sessions": {
      const found = await chat.sessions({ end: command.end });
      const lines = found.map(({ id, client, began, used, own }) => {
        const times = texts.session(timeOf(texts, began), timeOf(texts, used));
        return `${own === true ? "*" : " "} ${sanitizeLine(id)}  ${sanitizeLine(client)}  ${times}`;
      });
      const json = found.map((each) => Object.assign({ type: "session" }, each));
      return { title: texts.sessionsTitle, lines, json };
    }
    case "block":
      await chat.block(command.user);
      return note(texts.blocked(sanitizeLine(command.user)), { type: "block", user: command.user });
    case "unblock":
      await chat.unblock(command.user);
      return note(texts.unblocked(sanitizeLine(command.user)), {
        type: "unblock",
        user: command.user,
      });
    case "blocks": {
      const users = await chat.blocks();
      const json = users.map((user) => ({ type: "blocked", user }));
      const lines = users.length === 0 ? [texts.nobodyBlocked] : users.map(sanitizeLine);
      return { title: texts.blocksTitle, lines, json };
    }
    case "remove":
      return remove(source, command);
    case "unregister":
      return unregister(source, command.erase);
    case "export":
      return exported(source, command.file);
    case "moderate": {
      const { type: _, whom, ...act } = command;
      const { untilMs } = await chat.moderate({ ...act, ...whom });
      const target = "user" in whom ? whom.user : whom.address;
      const until = untilMs === undefined ? "" : ` ${texts.until(timeOf(texts, untilMs))}`;
      const line = `${texts.acts[act.act]} ${sanitizeLine(target)}${until}`;
      return note(line, { type: "moderated", act: act.act, target, until: untilMs });
    }
    case "sanctions": {
      const found = await chat.sanctions();
      const lines =
        found.length === 0
          ? [texts.nobodySanctioned]
          : found.map((each) => actLine(texts, each.kind, each));
      const json = found.map((each) => Object.assign({ type: "sanction" }, each));
      return { title: texts.sanctionsTitle, lines, json };
    }
    case "audit": {
      const found = await chat.audit({ limit: command.limit });
      const lines = found.map(
        (each) => `${timeOf(texts, each.at)}  ${actLine(texts, each.act, each)}`,
      );
      const json = found.map((each) => Object.assign({ type: "act" }, each));
      return { title: texts.auditTitle, lines: lines.length === 0 ? [texts.noActs] : lines, json };
    }
    default:
      return command satisfies never;
  }
}

function note(line: string, json: object): Answer {
  return { title: "", lines: [line], json: [json] };
}

async function changePassword({ chat, texts, ask }: AnswerSource): Promise<Answer> {
  if (ask === undefined) throw new Error(texts.onlyOnScreen);
  const old = await ask({ text: texts.oldPassword, isSecret: true });
  if (old === undefined || old === "") return note(texts.nothingDone, {});
  const next = await askNewPassword({ texts, ask }, texts.newPassword(sanitizeLine(chat.name)));
  if (next === undefined) return note(texts.nothingDone, {});
  if ("problem" in next) throw new Error(next.problem);
  await chat.changePassword(old, next.password);
  return note(texts.passwordChanged, {});
}

async function remove(
  source: AnswerSource,
  { which, reason }: Extract<ChatCommand, { type: "remove" }>,
): Promise<Answer> {
  const { chat, texts, ask } = source;
  const message = await source.find(which);
  if (message === undefined) throw new Error(texts.noSuchMessage);
  const { conv, seq, from, text } = message;
  const question = texts.reallyRemove(sanitizeLine(from), shortened(sanitizeLine(text)));
  if (ask !== undefined && !/^[ys]/i.test((await ask({ text: question })) ?? "")) {
    return note(texts.nothingDone, {});
  }
  await chat.remove(conv, seq, { reason: reason === "" ? undefined : reason });
  return note(texts.wasRemoved, { type: "removed", conv, seq });
}

/** For good: a person writes the name first. */
async function unregister(source: AnswerSource, erase: boolean): Promise<Answer> {
  const { chat, texts, ask } = source;
  let { password } = source;
  if (ask !== undefined) {
    const name = sanitizeLine(chat.name);
    if ((await ask({ text: texts.reallyUnregister(name, erase) })) !== name) {
      return note(texts.nothingDone, {});
    }
    if (chat.session !== undefined) {
      password = await ask({ text: texts.password(name), isSecret: true });
      if (password === undefined) return note(texts.nothingDone, {});
    }
  }
  await chat.unregister({ erase, password });
  forgetLogin(source.url, chat.name, process.env); // a program in a pipe may end before it is closed
  return note(texts.problem.unregistered, { type: "unregistered" });
}

/** To a file, which must not be there yet; in a pipe without one, to the output. */
async function exported({ chat, texts, ask }: AnswerSource, given?: string): Promise<Answer> {
  const data = await chat.exportData();
  if (given === undefined && ask === undefined) {
    return { title: "", lines: [sanitizeJson(data)], json: [{ type: "export", data }] };
  }
  const file = given ?? `tertulia-${encodeURIComponent(chat.name)}.json`;
  try {
    await writeFile(file, `${JSON.stringify(data, undefined, 2)}\n`, { flag: "wx", mode: 0o600 });
  } catch (error) {
    throw new Error(texts.notWritten(sanitizeLine(file), (error as NodeJS.ErrnoException).code!), {
      cause: error,
    });
  }
  return note(texts.exported(sanitizeLine(file)), { type: "exported", file });
}

function actLine(
  texts: Texts,
  act: ModerationAct["act"],
  { target, until, by, role, reason }: Omit<ModerationAct, "act" | "at">,
): string {
  const end = until === undefined ? "" : `  ${texts.until(timeOf(texts, until))}`;
  const why = reason === "" ? "" : `  ${sanitizeLine(reason)}`;
  // a later server may tell of other acts
  const what = (texts.acts as Readonly<Record<string, string>>)[act] ?? sanitizeLine(act);
  const given = role === undefined ? "" : ` ${sanitizeLine(role)}`;
  return `${what} ${sanitizeLine(target)}${given}${end}  ${texts.by(sanitizeLine(by))}${why}`;
}

function timeOf({ locale }: Texts, ms: number): string {
  const format = { dateStyle: "medium", timeStyle: "short", hourCycle: "h23" } as const;
  return new Date(ms).toLocaleString(locale, format);
}

function shortened(text: string): string {
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
