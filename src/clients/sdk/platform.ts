/** What the SDK uses of the environment, browser or Node. */
import type { WebSocketConstructor } from "./web-socket.js";

export function builtInWebSocket(): WebSocketConstructor {
  const { WebSocket } = globalThis as { WebSocket?: WebSocketConstructor };
  if (WebSocket) return WebSocket;
  throw new TypeError(
    "this environment has no WebSocket (Node has one from 22 on): npm i ws, " +
      'import { WebSocket } from "ws", and connect(url, { name, WebSocket })',
  );
}

/** 128 random bits. */
export function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
