/** `npm run fuzz -- --minutes 60 --seed 7`: the fuzz of test/hostile for so long. Without a seed, one by chance. */
import { spawn } from "node:child_process";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: { minutes: { type: "string", default: "10" }, seed: { type: "string" } },
});
const test = spawn("npx", ["vitest", "run", "test/hostile/fuzz.test.ts"], {
  stdio: "inherit",
  env: {
    ...process.env,
    FUZZ_MINUTES: values.minutes,
    ...(values.seed !== undefined && { FUZZ_SEED: values.seed }),
  },
});
test.once("exit", (code) => process.exit(code ?? 1));
