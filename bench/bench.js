/**
 * What a message, a delivery and a connection cost, beside others: `npm run bench`.
 *
 *     npm run bench                              all scenes beside Socket.IO, Centrifugo and a floor in C
 *     npm run bench -- --only private --peers none --rounds 1 --seconds 3
 *     npm run bench -- --against ../before/dist  beside another build of this project, too
 *     npm run bench -- --write                   and writes bench/RESULTS.md
 *
 * Real processes: a private Redis (appendfsync everysec), two nodes of each server in turn, and clients in C.
 * CPU time is that of all nodes and of Redis, so it suffers least from what else the machine does. Latency counts
 * from when a message was due. Every message is accounted for; a run that lost or repeated one is void. Linux only.
 */
import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

import { appendSummary, markdown, medianOf, summary } from "./report.js";
import { appendCosts, run } from "./run.js";
import { scenes } from "./scenes.js";
import { centrifugo, floor, socketIo, tertulia } from "./servers.js";
import { buildCentrifugo, compile, installSocketIo, versions } from "./tools.js";

const DIST = resolve(import.meta.dirname, "../dist");
const RESULTS = join(import.meta.dirname, "RESULTS.md");

const { values } = parseArgs({
  options: {
    against: { type: "string" },
    only: { type: "string", default: "" },
    peers: { type: "string", default: "socket.io,centrifugo,floor" },
    rounds: { type: "string", default: "3" },
    seconds: { type: "string", default: "8" },
    write: { type: "boolean", default: false },
  },
});
const STORING = { name: "redis" };
/** Each by its name in `--peers`. */
const peersByName = {
  "socket.io": async () => socketIo(await installSocketIo()),
  centrifugo: async () => centrifugo(await buildCentrifugo()),
  floor: async () => floor(await compile("floor")),
};
const sceneNames = [...scenes, STORING].map(({ name }) => name);
const only = wordsOf("only", sceneNames, (word) => sceneNames.some((name) => isNamed(name, word)));
const peerNames = wordsOf("peers", ["none", ...Object.keys(peersByName)]);
const rounds = Number(values.rounds);
const { startLocalRedis: startRedis } = await import(join(DIST, "local-redis/server.js"));
const tools = { load: await compile("load"), startRedis, seconds: values.seconds };
const builds = { ...(values.against && { before: resolve(values.against) }), ours: DIST };
const wanted = scenes.filter(isWanted);
const peers = wanted.length === 0 ? [] : await startable(peerNames);

const results = new Map();
for (const scene of wanted) {
  const servers = serversOf(scene);
  const runs = new Map(servers.map(({ name }) => [name, []]));
  console.log(`\n${scene.name}: ${scene.title}`);
  for (let round = 0; round < rounds; round++) {
    for (const server of servers) runs.get(server.name).push(await run(server, scene, tools));
  }
  const medians = new Map([...runs].map(([name, each]) => [name, medianOf(each)]));
  results.set(scene.name, medians);
  for (const [name, median] of medians) console.log(summary(name, median));
}
const appends = isWanted(STORING) ? await appendCosts(rounds) : undefined;
if (appends !== undefined) console.log(`\nredis: append\n${appendSummary(appends)}`);
if (values.write) {
  await writeFile(
    RESULTS,
    markdown(results, appends, {
      rounds,
      seconds: values.seconds,
      versions: await versions(peers.map(({ name }) => name)),
    }),
  );
  console.log("\nbench/RESULTS.md is written");
}

/** The words of an option. A mistyped word ends the program, before anything is measured or written. */
function wordsOf(option, known, isKnown = (word) => known.includes(word)) {
  const words = values[option].split(",").filter((word) => word !== "");
  const unknown = words.find((word) => !isKnown(word));
  if (unknown !== undefined) {
    console.error(`--${option} does not know "${unknown}". It knows ${known.join(", ")}.`);
    process.exit(2);
  }
  return words;
}

/** `--only idle-500,private`: these scenes, and all whose name begins so. All without it. */
function isWanted({ name }) {
  return only.length === 0 || only.some((word) => isNamed(name, word));
}

function isNamed(name, word) {
  return name === word || name.startsWith(`${word}-`);
}

/** The peers that can be had on this machine; of the others it says why not. */
async function startable(names) {
  const found = [];
  for (const name of names.filter((each) => each !== "none")) {
    try {
      found.push(await peersByName[name]());
    } catch (error) {
      console.error(`Without ${name}: ${error.stderr || error.message}`);
    }
  }
  return found;
}

function serversOf({ hasJson, hasFloor }) {
  const servers = peers.filter(({ nodes }) => nodes === undefined || hasFloor);
  for (const [name, build] of Object.entries(builds)) {
    servers.push(tertulia(name, build, "classic"));
    if (hasJson) servers.push(tertulia(`${name}, JSON`, build, "json"));
  }
  return servers;
}
