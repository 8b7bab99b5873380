/** What people read, in whatever language. */
import type { TertuliaError } from "../sdk/error.js";
import type { ModerationAct } from "../sdk/events.js";
import type { Card, Connection, Problem } from "../view/model.js";
import type { Word } from "./commands.js";
import { sanitizeLine } from "./sanitize.js";

export interface Texts {
  readonly language: "en" | "es";
  /** Of dates: the language, with the habits of where the reader lives. */
  readonly locale: string;
  readonly everybody: string;
  readonly conversations: string;
  readonly people: string;
  readonly more: (count: number) => string;
  readonly onlyWatched: string;
  readonly nobodyElse: string;
  readonly status: Readonly<Record<Card["status"], string>>;
  readonly statusHint: Readonly<Record<Card["status"], string>>;
  readonly newLine: string;
  readonly below: (count: number) => string;
  readonly held: (count: number) => string;
  readonly unread: (count: number) => string;
  readonly failed: string;
  readonly failedHint: string;
  readonly typing: (names: readonly string[]) => string;
  readonly loadOlder: string;
  readonly loading: string;
  readonly gone: string;
  readonly beginning: string;
  readonly emptyAll: string;
  readonly emptyPrivate: (name: string) => string;
  readonly today: string;
  readonly yesterday: string;
  readonly connecting: string;
  readonly reconnecting: string;
  readonly unreached: (seconds: number) => string;
  readonly lost: (seconds: number) => string;
  readonly away: string;
  readonly write: (name: string | undefined) => string;
  readonly hints: readonly string[];
  readonly searching: (text: string, at: number, of: number) => string;
  readonly notFound: (text: string) => string;
  readonly usersTitle: (count: number) => string;
  readonly helpTitle: string;
  readonly tooLong: (atMost: number) => string;
  readonly moreHint: string;
  readonly escHint: string;
  readonly usage: Readonly<Record<Word, readonly [form: string, about: string]>>;
  readonly keys: readonly (readonly [key: string, about: string])[];
  readonly mistake: (form: string) => string;
  readonly noCommand: (written: string) => string;
  readonly yourName: (name: string) => string;
  readonly answerHint: string;
  readonly logInOrRegister: (name: string) => string;
  readonly password: (name: string) => string;
  readonly newPassword: (name: string) => string;
  readonly passwordAgain: string;
  readonly notTheSame: string;
  readonly noAccounts: string;
  readonly oldPassword: string;
  readonly passwordChanged: string;
  readonly nothingDone: string;
  readonly sessionsTitle: string;
  readonly session: (began: string, used: string) => string;
  readonly blocked: (name: string) => string;
  readonly unblocked: (name: string) => string;
  readonly blocksTitle: string;
  readonly nobodyBlocked: string;
  readonly removed: string;
  readonly leftForGood: string;
  readonly reallyRemove: (from: string, text: string) => string;
  readonly wasRemoved: string;
  readonly noSuchMessage: string;
  readonly reallyUnregister: (name: string, erase: boolean) => string;
  readonly exported: (file: string) => string;
  readonly notWritten: (file: string, code: string) => string;
  readonly acts: Readonly<Record<ModerationAct["act"], string>>;
  readonly until: (time: string) => string;
  readonly by: (who: string) => string;
  readonly nothingToLift: string;
  readonly sanctionsTitle: string;
  readonly nobodySanctioned: string;
  readonly auditTitle: string;
  readonly noActs: string;
  readonly logInHow: string;
  readonly tooSmall: string;
  readonly onlyOnScreen: string;
  readonly problem: Readonly<Record<Problem, string>>;
}

/** What went wrong. The words of an error that is not of the chat are for people already. */
export function problemText(texts: Texts, { code, message }: TertuliaError): string {
  if (code === "banned") return closedText(texts, { problem: code, why: message });
  return (texts.problem as Partial<Texts["problem"]>)[code] ?? sanitizeLine(message);
}

/** Why the connection is closed for good, with the words of whoever closed it. */
export function closedText(
  texts: Texts,
  { problem, why }: Pick<Extract<Connection, { name: "closed" }>, "problem" | "why">,
): string {
  const text = texts.problem[problem];
  return why === undefined ? text : `${text} (${sanitizeLine(why)})`;
}
