/** So many JSON clients that are connected, read, and say nothing: `fork(crowd.js, [count, ports])`. Says "ready". */
import { addresses, dial, json } from "./sockets.js";

const ADDRESSES = 250;
const DIALS_AT_ONCE = 20;

process.once("disconnect", () => process.exit());
const [count, ...ports] = process.argv.slice(2).map(Number);
const from = addresses("127.8.0.1", ADDRESSES);
const counts = { opened: 0, refused: 0, ended: 0, receivedBytes: 0, answers: {} };
let next = 0;
const worker = async () => {
  while (next < count) {
    const i = next++;
    const first = json({ type: "hello", name: `crowd-${i}` });
    await dial(
      { port: ports[i % ports.length], from: from[i % from.length], target: "/ws", first },
      counts,
    );
  }
};
await Promise.all(Array.from({ length: DIALS_AT_ONCE }, worker));
process.send("ready");
