import { findRedisBinary } from "#tertulia/local-redis/binary.js";

/** Fetches a Redis once, before several workers would at the same time. */
export async function setup(): Promise<void> {
  if (process.env["TEST_REDIS"] !== "containers") await findRedisBinary();
}
