/** What people read, in the browser's language: English or Spanish. */
import type { Role } from "../sdk/events.js";
import type { ModerateOptions } from "../sdk/options.js";
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
  readonly tokenExpired: string;
  readonly badToken: string;
  readonly joinAs: (name: string) => string;
  readonly tooManyAttempts: (seconds: number) => string;
  readonly logOut: string;
  readonly yourAccount: string;
  readonly role: Readonly<Record<Role, string>>;
  readonly changePassword: string;
  readonly oldPassword: string;
  readonly passwordChanged: string;
  readonly devices: string;
  readonly unknownDevice: string;
  readonly thisDevice: string;
  readonly lastUsed: string;
  readonly logOutOthers: string;
  readonly waiting: string;
  readonly done: string;
  readonly block: string;
  readonly unblock: string;
  readonly isBlocked: string;
  readonly blocked: string;
  readonly noneBlocked: string;
  readonly exportData: string;
  readonly exportHint: string;
  readonly leaveForGood: string;
  readonly leaveForGoodHint: string;
  readonly whatYouWrote: string;
  readonly textsStay: string;
  readonly textsGo: string;
  readonly isForGood: string;
  readonly yesLeave: string;
  readonly remove: string;
  readonly removed: string;
  readonly removeThis: string;
  readonly removeHint: string;
  /** In the place of a name. */
  readonly formerUser: string;
  readonly removeReasonHint: string;
  readonly cancel: string;
  readonly moderate: string;
  readonly act: string;
  readonly acts: Readonly<Record<ModerateOptions["act"], string>>;
  readonly forHowLong: string;
  /** 10 minutes, an hour, a day, a week, for good. */
  readonly times: readonly string[];
  readonly reason: string;
  readonly reasonHint: string;
  readonly sanctions: string;
  readonly noSanctions: string;
  readonly until: string;
  readonly lift: string;
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

/** Who wrote something, as people read it. PROTOCOL.md, leaving for good. */
export function authorText({ formerUser }: Texts, from: string): string {
  return from === "~" ? formerUser : from;
}
