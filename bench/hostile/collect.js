/**
 * Loaded into a gateway (`--import`) that is watched for what grows: collects garbage now and then. Left alone, Node lets an
 * old generation that is mostly garbage grow for some minutes, which looks like a leak.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

const EVERY_MS = 20_000;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc");
setInterval(() => collect(), EVERY_MS).unref();
