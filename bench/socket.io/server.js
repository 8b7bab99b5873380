/**
 * A chat on Socket.IO with its Redis adapter, as its documentation writes one: what the bench compares with.
 *
 *     node server.js REDIS_URL
 *
 * A user's name is in the handshake. `msg` goes to all in the chat, `pm` to the room of a user's name. Prints its port.
 */
import { createAdapter } from "@socket.io/redis-adapter";
import { createClient } from "redis";
import { Server } from "socket.io";

const CHAT = "chat";

const publisher = createClient({ url: process.argv[2] });
const subscriber = publisher.duplicate();
await Promise.all([publisher.connect(), subscriber.connect()]);

const io = new Server({
  adapter: createAdapter(publisher, subscriber),
  transports: ["websocket"],
  serveClient: false,
});

io.on("connection", (socket) => {
  const { name } = socket.handshake.auth;
  void socket.join([CHAT, name]);
  socket.on("msg", (text) => io.to(CHAT).emit("msg", name, text));
  socket.on("pm", (to, text) => io.to(to).emit("pm", name, text));
});

io.listen(0);
console.log(io.httpServer.address().port);
