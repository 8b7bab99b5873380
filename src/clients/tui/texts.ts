/** What people read, in English and Spanish. */
import { localeIn } from "../view/days.js";
import type { Card, Problem } from "../view/model.js";
import type { Word } from "./commands.js";
import { spanish } from "./texts-es.js";

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
  readonly tooSmall: string;
  readonly onlyOnScreen: string;
  readonly problem: Readonly<Record<Problem, string>>;
}

const english: Omit<Texts, "locale"> = {
  language: "en",
  everybody: "Everybody",
  conversations: "Conversations",
  people: "People",
  more: (count) => `… ${count} more`,
  onlyWatched: "too many to list",
  nobodyElse: "nobody else yet",
  status: {
    active: "active",
    busy: "busy",
    inactive: "inactive",
    disconnected: "not connected",
    unknown: "unknown",
    asking: "asking …",
  },
  statusHint: {
    active: "Is here and reads along.",
    busy: "Is here, and wants no interruptions.",
    inactive: "Has not done anything for a while.",
    disconnected: "Is away. Messages wait until the next visit.",
    unknown: "Nobody of this name has ever been here.",
    asking: "",
  },
  newLine: "New",
  below: (count) => (count === 0 ? "PgDn: to the newest" : `${count} new below · PgDn`),
  held: (count) =>
    count === 0
      ? "You are busy: messages wait quietly. /status active shows them."
      : count === 1
        ? "You are busy: 1 message is waiting. /status active shows it."
        : `You are busy: ${count} messages are waiting. /status active shows them.`,
  unread: (count) => `${count} unread`,
  failed: "Not sent",
  failedHint: "/retry · /discard",
  typing: (names) =>
    names.length === 1
      ? `${names[0]!} is typing …`
      : names.length === 2
        ? `${names.join(" and ")} are typing …`
        : "several people are typing …",
  loadOlder: "older messages: PgUp",
  loading: "loading …",
  gone: "older messages are no longer kept",
  beginning: "this is where it begins",
  emptyAll: "Nobody has said anything yet. Say hello!",
  emptyPrivate: (name) => `Only you and ${name} can read what is said here.`,
  today: "Today",
  yesterday: "Yesterday",
  connecting: "Connecting …",
  reconnecting: "Connection lost. Trying again …",
  unreached: (seconds) => `The chat does not answer. Next attempt in ${seconds} s (Ctrl-R: now).`,
  lost: (seconds) => `Connection lost. Next attempt in ${seconds} s (Ctrl-R: now).`,
  away: "Not connected. /connect joins again, /quit leaves.",
  write: (name) => `Message to ${name ?? "everybody"}`,
  hints: ["/help", "Tab completes", "Alt-1…9 switches", "PgUp scrolls", "Ctrl-C leaves"],
  searching: (text, at, of) => `"${text}": ${at} of ${of} · ↑ ↓ · Esc`,
  notFound: (text) => `"${text}" is not in what is loaded here. PgUp fetches older messages.`,
  usersTitle: (count) => (count === 1 ? "1 person here" : `${count} people here`),
  helpTitle: "Commands and keys",
  tooLong: (atMost) => `This is too long: at most ${atMost} characters. Ctrl-U twice clears it.`,
  moreHint: "PgDn: more",
  escHint: "Esc closes",
  usage: {
    users: ["/users, /names", "who is here, and how"],
    info: ["/info [name]", "how one user is"],
    status: ["/status active|busy|inactive", "how you are; busy holds messages back"],
    all: ["/all text", "to everybody"],
    msg: ["/msg name text", "to one person, apart; a name with blanks in quotes"],
    me: ["/me text", "what you do: /me waves"],
    history: ["/history [name]", "what was said before"],
    search: ["/search text", "in what is loaded here; ↑ ↓ go on, Esc ends it"],
    to: ["/to [name]", "opens a conversation, or everybody's"],
    retry: ["/retry", "sends again what was not sent"],
    discard: ["/discard", "gives it up"],
    connect: ["/connect [ws://…] [name]", "joins again, elsewhere, or as another"],
    disconnect: ["/disconnect", "leaves the chat, not this screen"],
    help: ["/help", "this"],
    quit: ["/quit", "goodbye"],
  },
  keys: [
    ["Alt-1…9, Ctrl-N, Ctrl-P", "switch conversations"],
    ["PgUp, PgDn, Shift-↑↓", "scroll; older messages come at the top"],
    ["↑ ↓", "lines you sent before"],
    ["Ctrl-A E K U W Y, Alt-B F", "edit; Alt-Enter begins a new line"],
    ["Ctrl-R, Ctrl-L, Ctrl-Z", "reconnect now, draw again, suspend"],
  ],
  mistake: (form) =>
    `It goes like this: ${form}${form.includes("name") ? " (a name with blanks in quotes)" : ""}`,
  noCommand: (written) =>
    `There is no ${written}. /help lists the commands; // says a text with /.`,
  yourName: (name) => `Your name [${name}]: `,
  tooSmall: "make this window larger",
  onlyOnScreen: "Only the full screen can do that.",
  problem: {
    bad_frame: "The chat did not understand this.",
    unknown_type: "This chat cannot do that.",
    unauthenticated: "The chat does not know you yet.",
    forbidden: "That is not allowed.",
    not_found: "Nobody of this name has ever been here.",
    name_taken: "Somebody has this name already. Choose another one.",
    bad_name:
      "This cannot be a name here. Names are short, do not begin with # or @, and hide nothing.",
    bad_status: "There is no such status.",
    empty: "There is nothing in it.",
    too_large: "This is too long.",
    rate_limited: "That was too much at once. Wait a moment.",
    unavailable: "The chat could not do it in time. Try again.",
    internal: "Something went wrong in the chat.",
    closed: "The connection was closed.",
    unreachable: "The chat cannot be reached.",
    lost: "The connection is lost.",
    overflow: "Too much is waiting to be read already.",
    outbox_full: "Too much is waiting to be sent already.",
    unconfirmed: "No answer came; it may have arrived.",
    replaced: "Your name is in use somewhere else now.",
    unknown: "Something went wrong.",
  },
};

/**
 * @param language The value of `LC_ALL`, `LC_MESSAGES` or `LANG`.
 * @param dates Of `LC_ALL`, `LC_TIME` or `LANG`: one may read English and live where the day comes first.
 */
export function textsFor(language: string, dates = language): Texts {
  const texts = /^es\b|^es_/i.test(language) ? spanish : english;
  const [, tongue, region] = /^([a-z]{2,3})_([a-z]{2})\b/i.exec(dates) ?? []; // neither `C` nor `POSIX`
  const reader = tongue === undefined ? texts.language : `${tongue}-${region}`;
  return { ...texts, locale: localeIn(texts.language, reader) };
}
