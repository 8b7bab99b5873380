/**
 * Each write to a TCP socket waits a little, at random, as in a network; bytes keep their order within a
 * connection. Finds tests and code that take an order for granted which nobody has promised. Reaches the
 * tests and the gateways that they start: NODE_OPTIONS="--import $PWD/test/support/jitter.mjs" npx vitest run
 */
import { Socket } from "node:net";

const SELDOM_MS = 40;
const OFTEN_MS = 3;

function delayMs() {
  const dice = Math.random();
  if (dice < 0.6) return 0;
  return Math.random() * (dice < 0.9 ? OFTEN_MS : SELDOM_MS);
}

for (const method of ["_write", "_writev"]) {
  const write = Socket.prototype[method];
  Socket.prototype[method] = function (...args) {
    // terminals and pipes are written at once, as programs may expect
    const ms = this.remoteAddress === undefined ? 0 : delayMs();
    const goOn = () => {
      if (this.destroyed) args.at(-1)();
      else write.apply(this, args);
    };
    if (ms === 0) goOn();
    else setTimeout(goOn, ms);
  };
}
