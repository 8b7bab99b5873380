/** Checks arguments: a mistake of the calling program throws at the call, and says what to write instead. */
import type { ConnectOptions } from "./options.js";
import type { Status, TertuliaEvents } from "./events.js";

const EVENTS: Record<keyof TertuliaEvents, true> = {
  state: true,
  welcome: true,
  message: true,
  presence: true,
  typing: true,
  read: true,
  gap: true,
  error: true,
};
const STATUSES: Record<Status, true> = { active: true, busy: true, inactive: true };

/** The addresses as a list, each one valid for a WebSocket. */
export function checkUrls(url: unknown): readonly string[] {
  const urls = [url].flat();
  if (urls.length === 0) throw new TypeError("connect needs an address, and the list has none");
  return urls.map((each) => {
    const address = String(each);
    const isRight = /^wss?:\/\//i.test(address) && URL.canParse(address);
    if (isRight && !address.includes("#")) return address;
    const rest = address.replace(/^(?:\w+:)?\/\/|#.*/g, "");
    const scheme = /^https:/i.test(address) ? "wss" : "ws";
    const instead = URL.canParse(`ws://${rest}`) ? `${scheme}://${rest}` : "ws://localhost:9000";
    throw new TypeError(`"${address}" is no address of a chat: write "${instead}"`);
  });
}

export function checkOptions(options: ConnectOptions): void {
  if (typeof (options as unknown) !== "object" || options === null) {
    throw new TypeError('connect takes options too: connect(url, { name: "ana" })');
  }
  checkText("the option `name`", options.name, '{ name: "ana" }');
  const { WebSocket, storage, timing = {} } = options;
  if (WebSocket !== undefined && typeof WebSocket !== "function") {
    throw new TypeError('the option `WebSocket` is a class: import { WebSocket } from "ws"');
  }
  if (storage !== undefined && typeof storage?.setItem !== "function") {
    throw new TypeError("the option `storage` is one like sessionStorage: getItem, setItem");
  }
  for (const [name, value] of Object.entries(timing)) {
    if (typeof value === "number" && value >= 0) continue;
    throw new TypeError(`timing.${name} is ${String(value)}: write a number of milliseconds`);
  }
}

export function checkEvent(type: string, listener: unknown): void {
  if (!Object.hasOwn(EVENTS, type)) {
    throw new TypeError(`there is no event "${type}": ${Object.keys(EVENTS).join(", ")}`);
  }
  if (typeof listener !== "function") {
    throw new TypeError(`a listener is missing: on("${type}", (event) => { … })`);
  }
}

export function checkConv(conv: unknown): void {
  if (typeof conv === "string" && isConv(conv)) return;
  const name = typeof conv === "string" && conv !== "" && !conv.startsWith("@") ? conv : "ana";
  throw new TypeError(
    `${JSON.stringify(conv)} is no conversation: write "~" for everybody, "@${name}" for ${name}`,
  );
}

export function isConv(conv: string): boolean {
  return /^(?:~|@(?!~$).+)$/su.test(conv);
}

/** Whether the chat takes it as a key. */
export function isKey(key: unknown): key is string {
  return typeof key === "string" && /^[\w-]{1,64}$/.test(key);
}

/** @param example What the call looks like when it is right. */
export function checkText(what: string, value: unknown, example: string): void {
  if (typeof value === "string") return;
  throw new TypeError(`${what} is missing, or no text: ${example}`);
}

/** @param example What the call looks like when it is right. */
export function checkSeq(seq: unknown, example: string): void {
  if (typeof seq === "number" && Number.isSafeInteger(seq) && seq >= 0) return;
  throw new TypeError(`the number of the message is missing, or none: ${example}`);
}

export function checkStatus(status: string): void {
  if (Object.hasOwn(STATUSES, status)) return;
  throw new TypeError(`there is no status "${status}": ${Object.keys(STATUSES).join(", ")}`);
}

export function checkNames(names: unknown): void {
  if (Array.isArray(names) && names.every((name) => typeof name === "string")) return;
  throw new TypeError('watch takes a list of names: watch(["ana", "bob"])');
}
