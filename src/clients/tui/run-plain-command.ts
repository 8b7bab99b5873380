/** Carries out a command of plain mode, and prints the answer. */
import { whichOf } from "./find-message.js";
import { answerTo } from "./run-chat-command.js";
import type { Command } from "./commands.js";
import { sanitizeLine } from "./sanitize.js";
import { lineOf } from "./plain-line.js";
import type { Conv } from "../view/model.js";
import type { Message, Tertulia } from "../sdk/tertulia.js";
import type { Which } from "./chat-commands.js";
import type { Texts } from "./texts.js";

/** What commands act on. */
export interface PlainTarget {
  readonly chat: Tertulia;
  readonly texts: Texts;
  /** Where lines go to. */
  to: Conv;
  publish(conv: Conv, text: string, of: string): Promise<void>;
  /** That this program was given. */
  readonly password: string | undefined;
  readonly url: string;
  print(line: string | undefined, value: unknown): void;
  /** Lines, or for programs as many objects as there are things to tell. */
  printAll(lines: readonly string[], values: readonly object[]): void;
  problem(error: unknown, of: string): void;
}

/** Never rejects: failures are printed. */
export async function runPlainCommand(
  target: PlainTarget,
  command: Exclude<Command, { type: "say" | "quit" }>,
  of: string,
): Promise<void> {
  try {
    await answer(target, command, of);
  } catch (error) {
    target.problem(error, of);
  }
}

async function answer(
  target: PlainTarget,
  command: Exclude<Command, { type: "say" | "quit" }>,
  of: string,
): Promise<void> {
  const { chat, texts } = target;
  switch (command.type) {
    case "tell":
      await target.publish(command.conv, command.text, of);
      return;
    case "open":
      target.to = command.conv;
      return;
    case "history": {
      const { messages } = await chat.history(command.conv ?? target.to, { limit: 50 });
      for (const each of messages) target.print(lineOf(each), { type: "history", ...each });
      return;
    }
    case "users": {
      await chat.presence.watch();
      for (const [user, status] of sorted(chat.presence.people)) {
        target.print(`${sanitizeLine(user)} ${texts.status[status]}`, {
          type: "user",
          user,
          status,
        });
      }
      return;
    }
    case "info": {
      const user = command.user ?? chat.name;
      const status = await chat.user(user);
      target.print(`${sanitizeLine(user)} ${texts.status[status]}`, { type: "user", user, status });
      return;
    }
    case "status":
      await chat.setStatus(command.status);
      return;
    case "help":
      for (const [form, about] of Object.values(texts.usage)) {
        target.print(`${form}  ${about}`, { type: "help", form, about });
      }
      return;
    case "password":
    case "sessions":
    case "block":
    case "unblock":
    case "blocks":
    case "remove":
    case "unregister":
    case "export":
    case "moderate":
    case "sanctions":
    case "audit": {
      const { password, url, to } = target;
      const find = async (which: Which): Promise<Message | undefined> => {
        const { messages } = await chat.history(to, { limit: 200 });
        return whichOf(messages, which, chat.name);
      };
      const { lines, json } = await answerTo(
        { chat, texts, ask: undefined, password, url, find },
        command,
      );
      target.printAll(lines, json);
      return;
    }
    case "mistake":
      throw new Error(
        command.of === undefined
          ? texts.noCommand(command.written)
          : texts.mistake(texts.usage[command.of][0]),
      );
    case "search":
    case "connect":
    case "disconnect":
    case "retry":
    case "discard":
      throw new Error(texts.onlyOnScreen);
    default:
      command satisfies never;
  }
}

function sorted<T>(people: ReadonlyMap<string, T>): [name: string, status: T][] {
  return [...people].toSorted(([one], [other]) => (one < other ? -1 : 1));
}
