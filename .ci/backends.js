// Says which Redis the tests ran on.
import { execFileSync } from "node:child_process";
import { findRedisBinary } from "../dist/local-redis/binary.js";

if (process.env.TEST_REDIS === "containers") {
  console.log(`containers of ${process.env.TEST_REDIS_IMAGE ?? "redis:8.0"}`);
} else {
  const [program, ...args] = await findRedisBinary();
  const version = execFileSync(program, [...args, "--version"], { encoding: "utf8" });
  const where = program.includes(".cache") ? "fetched into .cache/" : program;
  console.log(`private processes of ${version.split(" sha")[0].trim()} (${where})`);
}
