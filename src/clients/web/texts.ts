/** What people read, in the browser's language: English or Spanish. */
import type { Card, Problem } from "../view/model.js";

export interface Texts {
  readonly locale: string;
  readonly tagline: string;
  readonly name: string;
  readonly nameHint: string;
  readonly password: string;
  readonly newPassword: string;
  readonly thePassword: string;
  readonly show: string;
  readonly hide: string;
  readonly logIn: string;
  readonly register: string;
  readonly hasAccount: string;
  readonly hasNone: string;
  readonly token: string;
  readonly tokenHint: string;
  readonly badToken: string;
  readonly joinAs: (name: string) => string;
  readonly tooManyAttempts: (seconds: number) => string;
  readonly logOut: string;
  readonly server: string;
  readonly join: string;
  readonly joining: string;
  readonly unreached: string;
  readonly leave: string;
  readonly goOn: string;
  readonly everybody: string;
  readonly everybodyHint: string;
  readonly conversations: string;
  readonly people: (count: number) => string;
  readonly onlyWatched: string;
  readonly search: string;
  readonly searchShort: string;
  readonly enterOpens: (name: string) => string;
  readonly nobodyFound: string;
  readonly nobodyElse: string;
  readonly write: string;
  readonly writeTo: (name: string) => string;
  readonly about: (name: string) => string;
  readonly askAbout: (name: string) => string;
  readonly youSaid: string;
  readonly yourStatus: string;
  readonly status: Readonly<Record<Card["status"], string>>;
  readonly statusHint: Readonly<Record<Card["status"], string>>;
  readonly unread: (count: number) => string;
  readonly newLine: string;
  readonly toEnd: (count: number) => string;
  readonly since: string;
  readonly held: (count: number) => string;
  readonly beActive: string;
  readonly messageTo: (name: string | undefined) => string;
  readonly draft: string;
  readonly send: string;
  readonly sendHint: string;
  readonly tooLong: (over: number) => string;
  readonly pending: string;
  readonly sent: string;
  readonly failed: string;
  readonly retry: string;
  readonly discard: string;
  readonly typing: (names: readonly string[]) => string;
  readonly loadOlder: string;
  readonly loading: string;
  readonly gone: string;
  readonly beginning: string;
  readonly emptyAll: string;
  readonly emptyPrivate: (name: string) => string;
  readonly today: string;
  readonly yesterday: string;
  readonly reconnecting: string;
  readonly lost: (seconds: number) => string;
  readonly again: string;
  readonly back: string;
  readonly notify: string;
  readonly notifying: string;
  readonly notifyBlocked: string;
  readonly close: string;
  readonly dismiss: string;
  readonly keys: string;
  /** Those that a person can bring about, and one for the others. */
  readonly problem: Readonly<Partial<Record<Problem, string>> & { unknown: string }>;
}

/** @param why as the chat says it: shown behind */
export function problemText({ problem }: Texts, which: Problem, why?: string): string {
  const text = problem[which] ?? problem.unknown;
  return why === undefined || why === which ? text : `${text} (${why})`;
}
