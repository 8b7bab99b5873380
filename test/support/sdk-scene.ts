/** A scripted server, SDK clients of it that note all they are told, and an end to both. */
import { afterEach } from "vitest";
import { WebSocket } from "ws";
import {
  connect,
  type ConnectOptions,
  type Gap,
  type Message,
  type State,
  type Tertulia,
  type TertuliaError,
} from "#tertulia/clients/sdk/tertulia.js";
import { scriptedServer, type ScriptedServer } from "./scripted-server.js";

export interface Seen {
  readonly chat: Tertulia;
  readonly states: State[];
  readonly messages: Message[];
  /** Numbers of the messages. */
  readonly seqs: number[];
  readonly gaps: Gap[];
  readonly errors: TertuliaError[];
}

const running: { close(): Promise<unknown> }[] = [];

afterEach(async () => {
  for (const each of running.splice(0).toReversed()) await each.close();
});

export async function serve(...args: Parameters<typeof scriptedServer>): Promise<ScriptedServer> {
  const server = await scriptedServer(...args);
  running.push(server);
  return server;
}

/** Connects as ana, if no other name is given. */
export function join(url: string | string[], options: Partial<ConnectOptions> = {}): Seen {
  const chat = connect(url, { name: "ana", WebSocket, ...options });
  running.push(chat);
  const seen: Seen = { chat, states: [], messages: [], seqs: [], gaps: [], errors: [] };
  chat.on("state", (state) => seen.states.push(state));
  chat.on("message", (message) => {
    seen.messages.push(message);
    seen.seqs.push(message.seq);
  });
  chat.on("gap", (gap) => seen.gaps.push(gap));
  chat.on("error", (error) => seen.errors.push(error));
  return seen;
}

/** Where a node is. */
export function at(...nodes: { readonly port: number }[]): string[] {
  return nodes.map(({ port }) => `ws://127.0.0.1:${port}`);
}

/** Numbers from one to another. */
export function upTo(last: number, first = 1): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}
