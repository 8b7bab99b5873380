/** The nemesis imports it into a gateway's process: the wall clock is wrong, and jumps every second. */
const offset = Number(process.env["VERIFY_CLOCK_OFFSET_MS"] ?? "0");
const RealDate = Date;
const rightNow = RealDate.now.bind(RealDate);

/** Wrong for one second, right for the next one, and so on. */
function wrongNow(): number {
  const now = rightNow();
  return Math.floor(now / 1_000) % 2 === 0 ? now + offset : now;
}

globalThis.Date = new Proxy(RealDate, {
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length === 0 ? [wrongNow()] : args, newTarget) as Date,
  apply: () => new RealDate(wrongNow()).toString(),
  get: (target, key, receiver) =>
    key === "now" ? wrongNow : (Reflect.get(target, key, receiver) as unknown),
});
