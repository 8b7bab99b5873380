/** A byte client of a scenario, and how its frames are written. */
import { WebSocket } from "ws";

export interface ByteClient {
  readonly webSocket: WebSocket;
  readonly heard: readonly Buffer[];
  leave(): Promise<void>;
}

/** @throws the error of the upgrade, if it is refused */
export async function byteClient(url: string, name: string): Promise<ByteClient> {
  const webSocket = new WebSocket(`${url}/?name=${name}`, { perMessageDeflate: false });
  const heard: Buffer[] = [];
  webSocket.on("message", (data: Buffer) => heard.push(data));
  await new Promise<void>((resolve, reject) => {
    webSocket.once("open", resolve);
    webSocket.once("error", reject);
  });
  const closed = new Promise<void>((resolve) => webSocket.once("close", () => resolve()));
  return {
    webSocket,
    heard,
    leave() {
      webSocket.close();
      return closed;
    },
  };
}

export function frame(op: number, ...fields: string[]): Buffer {
  return Buffer.concat([
    Buffer.from([op]),
    ...fields.map((field) => Buffer.from([field.length, ...Buffer.from(field)])),
  ]);
}
