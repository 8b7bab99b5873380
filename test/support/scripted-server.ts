/** A server that says exactly what a test wants, for what no gateway can be made to do on command. */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { WebSocketServer, type WebSocket } from "ws";
import type { Events, Request, Requests } from "#tertulia/wire/json-schema.js";

type Said = Request & { id?: number };

/** One connection, seen from the server. */
export interface Peer {
  readonly socket: WebSocket;
  /** All that the client said, in order. */
  readonly heard: Said[];
  readonly hello: Requests["hello"] | undefined;
  says(...frames: Events[keyof Events][]): void;
}

export interface ScriptedServer {
  readonly url: string;
  /** Every connection there was, the first one first. */
  readonly peers: Peer[];
  close(): Promise<void>;
}

/** Answers each request as `script` says; by default hello is welcomed and all else left unanswered. */
export async function scriptedServer(
  script: (request: Said, peer: Peer, turn: number) => void = welcomes(),
): Promise<ScriptedServer> {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await once(server, "listening");
  const peers: Peer[] = [];
  server.on("connection", (socket) => {
    const turn = peers.length;
    const heard: Said[] = [];
    const peer: Peer = {
      socket,
      heard,
      get hello() {
        return heard.find((each) => each.type === "hello");
      },
      says: (...frames) => frames.forEach((frame) => socket.send(JSON.stringify(frame))),
    };
    peers.push(peer);
    socket.on("message", (data: Buffer) => {
      const request = JSON.parse(data.toString()) as Said;
      heard.push(request);
      script(request, peer, turn);
    });
  });
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    peers,
    async close() {
      for (const { socket } of peers) socket.terminate();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

type Conversations = Events["welcome"]["conversations"];

/** Says welcome, then hands on what follows. */
export function welcomes(
  conversations: (turn: number) => Conversations = () => [conversation({})],
  then: (request: Said, peer: Peer, turn: number) => void = () => {},
) {
  return (request: Said, peer: Peer, turn: number): void => {
    if (request.type === "hello") {
      const limits = { text: 4_096, frame: 65_536, perSecond: 50 };
      const { id, name, key = "" } = request;
      const list = conversations(turn);
      peer.says({ type: "welcome", id, user: name, key, node: "s", limits, conversations: list });
    }
    if (request.type === "bye") peer.says(ok(request));
    then(request, peer, turn);
  };
}

export function conversation(some: Partial<Conversations[number]>): Conversations[number] {
  const none = { conv: "~", epoch: "a", head: 0, floor: 1, read: 0, unread: 0, after: 0 };
  return { ...none, recovered: true, ...some };
}

export function message(seq: number, epoch = "a", conv = "~"): Events["message"] {
  const text = `text ${seq}`;
  return { type: "message", conv, epoch, seq, mid: `m${seq}`, from: "bob", ts: seq, text };
}

export function ok(request: Request, fields: Partial<Events["ok"]> = {}): Events["ok"] {
  return { type: "ok", id: request.id, ...fields };
}

/** A publish that is stored: its number is that in its text. */
export function stored(request: Request & { type: "publish" }): Events["ok"] {
  const { conv, mid } = request;
  return ok(request, { conv, mid, epoch: "a", seq: Number(request.text.split(" ")[1]), ts: 1 });
}

export function refusal(request: Request, code: Events["error"]["code"], retryAfterMs?: number) {
  const retryable = ["rate_limited", "unavailable", "internal"].includes(code);
  const error = { type: "error", id: request.id, code, message: "no", retryable } as const;
  return retryAfterMs === undefined ? error : { ...error, retryAfterMs };
}

export function texts(...peers: (Peer | undefined)[]): string[] {
  return peers
    .flatMap((peer) => peer?.heard ?? [])
    .filter((request) => request.type === "publish")
    .map(({ text }) => text);
}
