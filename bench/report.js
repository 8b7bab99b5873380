/** What the runs of a scene say together: medians, lines for the terminal, and RESULTS.md. */
import { cpus, release } from "node:os";
import { rows, scenes } from "./scenes.js";
import { AS_SHIPPED } from "./servers.js";

const OURS = "ours";
const JSON_CLIENTS = ", JSON";
const REFERENCE = "Socket.IO";
/** JSON clients cost at most so many times what byte clients cost. */
const JSON_GOAL = 1.05;

/** The median of each figure of the runs that count, `voids`: why the others do not. */
export function medianOf(runs) {
  const voids = runs.filter(({ isVoid }) => isVoid).map(({ why }) => why);
  const valid = runs.filter(({ isVoid }) => !isVoid);
  if (valid.length === 0) return { isVoid: true, voids };
  const medians = Object.keys(valid[0]).map((key) => {
    const sorted = valid.map((each) => each[key]).toSorted((a, b) => a - b);
    return [key, sorted[Math.floor((sorted.length - 1) / 2)]];
  });
  return { ...Object.fromEntries(medians), isVoid: false, voids };
}

/** A server's line under a scene. */
export function summary(name, median) {
  const voids = median.voids.map((why) => `\n${" ".repeat(20)}a run is void: ${why}`).join("");
  return `  ${name.padEnd(18)}${median.isVoid ? "" : told(median)}${voids}`;
}

function told({ cpuUs, redisUs, p50, p99, perSecond, kbPerConnection, openUs, openSeconds }) {
  if (openUs !== undefined) {
    return `${kbPerConnection.toFixed(1)} kB each, ${openUs.toFixed(0)} µs to open, ${openSeconds} s in all`;
  }
  return (
    `${figure(cpuUs)} µs per delivery (Redis ${figure(redisUs)}), ` +
    `p50 ${figure(p50)} ms, p99 ${figure(p99)} ms, ${whole(perSecond)} deliveries/s`
  );
}

export function appendSummary({ costs, idBytes }) {
  const lines = costs.map(
    ({ name, us, times }) =>
      `  ${name.padEnd(30)}${figure(us)} µs of Redis, ${figure(times)} × base`,
  );
  return [...lines, `  a message id: ${whole(idBytes)} B`].join("\n");
}

/**
 * RESULTS.md: machine, versions, table, medians, and how to repeat it. `results`: by scene and server; `appends`: what
 * storing costs Redis, if that was measured.
 */
export function markdown(results, appends, { versions, rounds, seconds }) {
  const names = new Set([...results.values()].flatMap((medians) => Array.from(medians.keys())));
  const others = [...names].filter(
    (name) => !name.startsWith(OURS) && !name.endsWith(JSON_CLIENTS),
  );
  const measured = (scene) => results.has(scene);
  const reference = names.has(REFERENCE) ? `, ${REFERENCE} with Node's defaults` : "";
  const lines = [
    "# What a message costs",
    "",
    "Written by `npm run bench -- --write`; do not edit. How it is measured: [CONTRIBUTING](../CONTRIBUTING.md#measuring).",
    "",
    `${new Date().toISOString().slice(0, 10)}, ${cpus().length} × ${cpus()[0].model} shared with the load, ` +
      `Linux ${release()}, loopback. ${versions.join(", ")}. Ours runs with Node's \`${AS_SHIPPED.join(" ")}\`, as in the ` +
      `image${reference}. Medians of ${rounds} ${rounds === 1 ? "round" : "rounds"}, one server after the ` +
      `other; ${seconds} seconds measured after 80,000 deliveries.`,
    "",
    ...table(
      ["", ...others, OURS, `× ${REFERENCE}`, "goal", "ours, JSON", `× ${REFERENCE}`, "goal"],
      rows
        .filter(({ scene }) => measured(scene))
        .map((row) => comparison(row, results.get(row.scene), others)),
    ),
    "",
    "CPU is that of all nodes and of Redis together. A dash: not measured, or every run was void.",
    "",
    ...table(
      ["JSON clients beside byte clients", OURS, "ours, JSON", "JSON / bytes", "goal"],
      rows
        .filter(({ scene, figure: key }) => measured(scene) && key === "cpuUs")
        .flatMap((row) => besideBytes(row, results.get(row.scene))),
    ),
    "",
    ...(appends === undefined ? [] : storing(appends)),
    "## Each scene",
    "",
  ];
  for (const { name, title } of scenes.filter((scene) => measured(scene.name))) {
    lines.push(`**${name}**: ${title}`, "", ...details(results.get(name)), "");
  }
  return lines.join("\n");
}

function comparison({ what, figure: key, unit, goal, jsonGoal, isMore }, medians, others) {
  const of = (name) => medians.get(name)?.[key];
  const [ours, json, reference] = [OURS, OURS + JSON_CLIENTS, REFERENCE].map(of);
  const bound = (times) => (times === undefined ? "" : `${isMore ? "≥" : "≤"} ${times}`);
  const value = (number) => (number === undefined ? "–" : `${figure(number)} ${unit}`);
  const cells = [what, ...others.map((name) => value(of(name)))];
  cells.push(value(ours), ratio(ours, reference), bound(goal));
  cells.push(value(json), ratio(json, reference), bound(jsonGoal));
  return cells;
}

/** No line where JSON clients were not measured. */
function besideBytes({ what }, medians) {
  const [bytes, json] = [OURS, OURS + JSON_CLIENTS].map((name) => medians.get(name)?.cpuUs);
  if (bytes === undefined || json === undefined) return [];
  return [
    [what, `${figure(bytes)} µs`, `${figure(json)} µs`, ratio(json, bytes), `≤ ${JSON_GOAL}`],
  ];
}

/** Alone at most three times the script, in batches of ten hardly more than it. */
function storing({ costs, idBytes }) {
  const goal = (name) =>
    name.includes("10 a call") ? "≤ 1.3" : name.includes("base") ? "" : "≤ 3";
  return [
    ...table(
      ["Redis CPU per stored message, saturated", "µs", "× XADD + HSET + PUBLISH", "goal"],
      costs.map(({ name, us, times }) => [name, figure(us), figure(times), goal(name)]),
    ),
    "",
    "`base` is a function that runs only XADD, HSET and PUBLISH, one message a call. *With ids*: the client can send " +
      `again, so its message id is kept, for 15 minutes. An id takes ${whole(idBytes)} bytes of Redis (goal: ≤ 90).`,
    "",
  ];
}

const IDLE_COLUMNS = {
  "kB each": "kbPerConnection",
  "µs to open one": "openUs",
  "s to open all": "openSeconds",
};
const COLUMNS = {
  "µs per delivery": "cpuUs",
  "of it Redis": "redisUs",
  "p50, ms": "p50",
  "p99, ms": "p99",
  "max, ms": "max",
  "deliveries/s": "perSecond",
};

function details(medians) {
  const isIdle = [...medians.values()].some(({ openUs }) => openUs !== undefined);
  const columns = isIdle ? IDLE_COLUMNS : COLUMNS;
  const lines = Array.from(medians, ([name, median]) => {
    const figures = Object.values(columns).map((key) =>
      median.isVoid ? "–" : figure(median[key]),
    );
    return [name].concat(figures, median.voids.join("; "));
  });
  return table(["", ...Object.keys(columns), "void runs"], lines);
}

function table(head, lines) {
  return [head, head.map(() => "---"), ...lines].map((cells) => `| ${cells.join(" | ")} |`);
}

function ratio(number, reference) {
  return number === undefined || reference === undefined ? "–" : figure(number / reference);
}

/** Three digits say enough. */
function figure(number) {
  if (number >= 100) return whole(number);
  return number.toFixed(number >= 10 ? 1 : 2);
}

function whole(number) {
  return Math.round(number).toLocaleString("en");
}
