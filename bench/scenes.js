/** The loads, and what is compared. A row of the table is one figure of one scene. */

/**
 * `warmRate`: messages a second until so many deliveries are made that the code is compiled; `rate` if missing.
 * `rampFrom`: faster and faster from so many messages a second, until they come too late. `nodes`: 2 if missing.
 * `hasJson`: our JSON clients are measured, too. `hasFloor`: beside the floor in C, which has one node.
 */
export const scenes = [
  { name: "cold", title: "room of 500, 40 messages/s", users: 500, rate: 40, hasJson: true },
  { name: "warm", title: "room of 200, 250 messages/s", users: 200, rate: 250, hasJson: true },
  {
    name: "hot",
    title: "room of 200, 500 messages/s, one node",
    users: 200,
    rate: 500,
    nodes: 1,
    hasFloor: true,
  },
  { name: "most", title: "room of 200, as many as p99 < 250 ms allows", users: 200, rampFrom: 200 },
  {
    name: "private-1000",
    title: "private, 1,000/s among 200",
    users: 200,
    mode: "private",
    rate: 1_000,
    warmRate: 4_000,
    hasJson: true,
  },
  {
    name: "private-6000",
    title: "private, 6,000/s among 200",
    users: 200,
    mode: "private",
    rate: 6_000,
  },
  { name: "quiet", title: "room of 10, 5 messages/s", users: 10, rate: 5, warmRate: 1_000 },
  ...[500, 2_000, 5_000].map((users) => ({
    name: `idle-${users}`,
    title: `${users.toLocaleString("en")} connections that open and say nothing`,
    users,
    mode: "idle",
    hasJson: true,
  })),
];

/** `goal`: at most so many times Socket.IO's figure (at least, if `isMore`); `jsonGoal`: the same for JSON clients. */
export const rows = [
  {
    scene: "cold",
    what: "CPU per delivery, cold room: 500 users, 40/s",
    figure: "cpuUs",
    unit: "µs",
    goal: 0.6,
  },
  {
    scene: "warm",
    what: "CPU per delivery, warm room: 200 users, 250/s",
    figure: "cpuUs",
    unit: "µs",
    goal: 0.45,
  },
  {
    scene: "hot",
    what: "CPU per delivery, hot room: 200 users, 500/s, one node",
    figure: "cpuUs",
    unit: "µs",
    goal: 0.25,
  },
  {
    scene: "most",
    what: "most deliveries a second, p99 < 250 ms, 200 users",
    figure: "perSecond",
    unit: "/s",
    goal: 40,
    isMore: true,
  },
  {
    scene: "private-1000",
    what: "CPU per private message, 1,000/s among 200",
    figure: "cpuUs",
    unit: "µs",
    goal: 0.8,
  },
  {
    scene: "private-6000",
    what: "CPU per private message, 6,000/s among 200",
    figure: "cpuUs",
    unit: "µs",
    goal: 0.7,
  },
  {
    scene: "idle-2000",
    what: "memory of an idle connection, of 2,000",
    figure: "kbPerConnection",
    unit: "kB",
    goal: 0.6,
    jsonGoal: 0.8,
  },
  { scene: "idle-500", what: "CPU to open one of 500", figure: "openUs", unit: "µs" },
  {
    scene: "idle-2000",
    what: "CPU to open one of 2,000",
    figure: "openUs",
    unit: "µs",
    goal: 0.9,
    jsonGoal: 0.6,
  },
  { scene: "idle-5000", what: "CPU to open one of 5,000", figure: "openUs", unit: "µs" },
  { scene: "quiet", what: "latency of a quiet room, median", figure: "p50", unit: "ms" },
];
