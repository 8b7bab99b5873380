/** One attempt to get a name, in bytes or in JSON, with whatever is shown. */
import { WebSocket } from "ws";
import { addressOf } from "./credentials.js";

export interface Attempt {
  readonly name: string;
  readonly dialect: "bytes" | "JSON";
  /** From where, as a balancer tells it. */
  readonly network: number;
  readonly password?: string | undefined;
  /** In JSON only. */
  readonly session?: string | undefined;
  readonly key?: string | undefined;
  readonly token?: string | undefined;
}

export interface Entered {
  /** `unclear`: no answer, or one that says nothing about the name. */
  readonly outcome: "in" | "refused" | "unclear";
  /** The status of the refused upgrade, or the code of the error. */
  readonly why: string;
  /** Texts that came after it is in. */
  readonly heard: readonly Buffer[];
  readonly webSocket: WebSocket;
  /** Resolves with the close code. */
  readonly closed: Promise<number>;
}

const WITHIN_MS = 10_000;

/** Never rejects. Whoever is in closes the WebSocket. */
export async function attemptEntry(url: string, attempt: Attempt): Promise<Entered> {
  const { dialect, network } = attempt;
  const headers = { "x-forwarded-for": addressOf(network) };
  const options = { perMessageDeflate: false, handshakeTimeout: WITHIN_MS };
  const webSocket =
    dialect === "bytes"
      ? new WebSocket(`${url}/?${queryOf(attempt)}`, {
          ...options,
          headers: { ...headers, ...authorization(attempt) },
        })
      : new WebSocket(url, "tertulia.v1.json", { ...options, headers });
  const heard: Buffer[] = [];
  const closed = new Promise<number>((resolve) => webSocket.once("close", resolve));
  const told = await new Promise<Pick<Entered, "outcome" | "why">>((resolve) => {
    const unclear = (why: string): void => resolve({ outcome: "unclear", why });
    const timer = setTimeout(() => unclear("no answer"), WITHIN_MS);
    webSocket.on("error", ({ message }) => unclear(message));
    webSocket.on("unexpected-response", (_request, { statusCode = 0 }) => {
      const outcome = statusCode < 500 ? "refused" : "unclear";
      resolve({ outcome, why: String(statusCode) });
      webSocket.terminate();
    });
    webSocket.on("close", () => {
      clearTimeout(timer);
      unclear("closed");
    });
    webSocket.on("message", (frame: Buffer) => {
      heard.push(frame);
      if (dialect === "JSON") answered(JSON.parse(frame.toString()) as Answer, resolve);
    });
    webSocket.on("open", () => {
      if (dialect === "bytes") return resolve({ outcome: "in", why: "101" });
      const { name, password, session, key, token } = attempt;
      webSocket.send(JSON.stringify({ type: "hello", id: 1, name, password, session, key, token }));
    });
  });
  if (told.outcome !== "in") webSocket.terminate();
  return { ...told, heard, webSocket, closed };
}

interface Answer {
  readonly type: string;
  readonly code?: string;
}

function answered(
  { type, code = "" }: Answer,
  resolve: (told: Pick<Entered, "outcome" | "why">) => void,
): void {
  if (type === "welcome") return resolve({ outcome: "in", why: type });
  if (type !== "error") return;
  const isUnclear = code === "unavailable" || code === "internal";
  resolve({ outcome: isUnclear ? "unclear" : "refused", why: code });
}

function queryOf({ name, password }: Attempt): string {
  const shown = password === undefined ? "" : `&password=${password}`;
  return `name=${name}${shown}`;
}

function authorization({ token }: Attempt): Record<string, string> {
  return token === undefined ? {} : { authorization: `Bearer ${token}` };
}
