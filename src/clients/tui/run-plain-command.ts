/** Carries out a command of plain mode, and prints the answer. */
import type { Command } from "./commands.js";
import { sanitizeLine } from "./sanitize.js";
import { lineOf } from "./plain-line.js";
import type { Conv } from "../view/model.js";
import type { Tertulia } from "../sdk/tertulia.js";
import type { Texts } from "./texts.js";

/** What commands act on. */
export interface PlainTarget {
  readonly chat: Tertulia;
  readonly texts: Texts;
  /** Where lines go to. */
  to: Conv;
  publish(conv: Conv, text: string, of: string): Promise<void>;
  print(line: string, value: unknown): void;
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
