/** Fetches a Redis once, before several workers would at the same time. */
export async function setup(): Promise<void> {
  if (process.env["TEST_REDIS"] === "containers") return;
  // not before: this file is read before dist/ is built
  const { findRedisBinary } = await import("#tertulia/local-redis/binary.js");
  await findRedisBinary();
}
