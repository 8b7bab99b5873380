/** The function library: Redis functions that read and change the chat's data, each in one atomic step. */
import { createHash } from "node:crypto";
import { readFile, readdir } from "node:fs/promises";
import type { Redis } from "ioredis";
import type { Position } from "../chat/events.js";
import { Unavailable } from "../chat/ports.js";
import type { Observe } from "../observe.js";
import { Attempts } from "./attempts.js";
import { DamageLog, type DamagedPlace } from "./damage.js";

/**
 * Each function. `announces`: it opens a bucket, to write or announce something there, and is given the newest position
 * that this node has seen. It is registered with `announcing(…)` (lua/1-register.lua).
 */
export const FUNCTIONS = {
  claim: "announces",
  claim_proved: "announces",
  try_password: "silent",
  create_account: "silent",
  rehash: "silent",
  set_password: "announces",
  begin_login: "announces",
  find_login: "silent",
  list_logins: "silent",
  end_logins: "announces",
  set_role: "announces",
  revoke_tokens: "announces",
  append: "announces",
  set_block: "silent",
  unset_block: "silent",
  hint_block: "silent",
  unhint_block: "silent",
  is_blocked: "silent",
  list_blocks: "silent",
  leave: "announces",
  set_status: "announces",
  touch: "announces",
  lookup: "silent",
  roster: "silent",
  history: "silent",
  present: "silent",
  conversations: "silent",
  extents: "silent",
  page: "silent",
  remove: "announces",
  mark_read: "silent",
  drop_former_mark: "silent",
  beat: "announces",
  retire: "silent",
  disown: "announces",
  sweep: "announces",
  reap: "announces",
  forgettable: "silent",
  have_inboxes: "silent",
  forget_writers: "announces",
  forget: "announces",
  forget_marks: "silent",
  unregister: "announces",
  unregistering_users: "announces",
  clear_user: "announces",
  clear_blocks: "announces",
  erase_messages: "announces",
  forget_gone: "announces",
  forget_left: "announces",
  end_clearing: "announces",
  kept_of_user: "silent",
  written_by: "silent",
  elect: "announces",
  resign: "silent",
  moderate: "silent",
  note_act: "silent",
  sanctions_since: "silent",
} as const;

export type LibraryFunction = keyof typeof FUNCTIONS;

/** Where a value is damaged that a function refuses; elsewhere it is one of the bucket. */
const PLACES: Readonly<Partial<Record<LibraryFunction, DamagedPlace>>> = {
  claim: "user",
  set_status: "user",
  lookup: "user",
  history: "conversation",
  conversations: "user",
  drop_former_mark: "user",
  page: "conversation",
  remove: "conversation",
  mark_read: "conversation",
  written_by: "conversation",
  kept_of_user: "user",
};

/** What this node has seen: the newest position of each bucket, by the key of its meta. */
export interface SeenPositions {
  newestIn(meta: string): Position;
}

/** The library's Lua source. Its version is a digest of it. */
export interface FunctionSource {
  readonly version: string;
  readonly source: string;
}

export async function readFunctionSource(): Promise<FunctionSource> {
  const folder = new URL("lua/", import.meta.url);
  const files = (await readdir(folder)).filter((file) => file.endsWith(".lua")).toSorted();
  const parts = await Promise.all(files.map((file) => readFile(new URL(file, folder), "utf8")));
  const body = parts.join("\n");
  const version = createHash("sha256").update(body).digest("hex").slice(0, 8);
  return {
    version,
    source: `#!lua name=tertulia_${version}\n${body.replace("_VERSION", `_${version}`)}`,
  };
}

export class FunctionLibrary {
  readonly redis: Redis;
  readonly #library: FunctionSource;
  readonly observe: Observe;
  /** Of calls on this connection that clients wait for. */
  readonly attempts = new Attempts((to) => this.#log(to));
  readonly #seen: SeenPositions | undefined;
  readonly damage: DamageLog;
  #loading: Promise<void> | undefined;

  /** @param seen positions that Redis had: older data is noticed by them. Without them, it is not. */
  constructor(redis: Redis, library: FunctionSource, observe: Observe, seen?: SeenPositions) {
    this.redis = redis;
    this.#library = library;
    this.observe = observe;
    this.#seen = seen;
    this.damage = new DamageLog(observe);
  }

  /** The same library, called on another connection. */
  on(redis: Redis): FunctionLibrary {
    return new FunctionLibrary(redis, this.#library, this.observe, this.#seen);
  }

  /** Loads the library, unless Redis has this version already. */
  load(): Promise<void> {
    this.#loading ??= this.#load().finally(() => (this.#loading = undefined));
    return this.#loading;
  }

  /**
   * Calls one function; bulk strings come back as Buffers. If Redis does not have the library (another
   * server, `FUNCTION FLUSH`), it is loaded and the function called again: nothing has run before.
   *
   * @throws the error of Redis or of the connection; retry.ts knows which may be retried
   */
  async call(
    name: LibraryFunction,
    keys: readonly string[],
    args: readonly (string | Buffer | number)[],
  ): Promise<unknown> {
    const { redisCalls, redisErrors } = this.observe.counters;
    const began = performance.now();
    try {
      return await this.#call(name, keys, args);
    } catch (error) {
      redisErrors.of(name).inc();
      if (isDamage(error)) this.damage.found(PLACES[name] ?? "bucket", { function: name }, error);
      throw error;
    } finally {
      redisCalls.of(name).observe((performance.now() - began) / 1_000);
    }
  }

  /** Publishes what may be lost. @throws Unavailable if Redis does not take it */
  async publish(channel: string, message: Buffer): Promise<void> {
    try {
      await this.attempts.once(() => this.redis.publish(channel, message));
    } catch (error) {
      if (error instanceof Unavailable) throw error;
      throw new Unavailable("the store did not take it", { cause: error });
    }
  }

  #log(to: "closed" | "open"): void {
    const { log } = this.observe;
    if (to === "closed") log.info({ event: "redis_in_time" }, "redis answers in time again");
    else {
      log.warn(
        { event: "redis_late" },
        "redis does not answer in time, what clients ask for is held back",
      );
    }
  }

  async #call(
    name: LibraryFunction,
    keys: readonly string[],
    args: readonly (string | Buffer | number)[],
  ): Promise<unknown> {
    const words = [`${name}_${this.#library.version}`, keys.length, ...keys, ...args];
    if (FUNCTIONS[name] === "announces") {
      const { generation, offset } = this.#seen?.newestIn(keys[0]!) ?? { generation: 0, offset: 0 };
      words.push(`${generation}-${offset}`);
    }
    try {
      return await this.#functions.fcallBuffer(...words);
    } catch (error) {
      if (!isReply(error, "ERR Function not found")) throw error;
      await this.load();
      return this.#functions.fcallBuffer(...words);
    }
  }

  /** ioredis has this method but no type for it. (`callBuffer` has one, and cannot be auto-pipelined.) */
  get #functions(): {
    fcallBuffer(...words: readonly (string | Buffer | number)[]): Promise<unknown>;
  } {
    return this.redis as never;
  }

  async #load(): Promise<void> {
    try {
      await this.redis.call("FUNCTION", "LOAD", this.#library.source);
      const { version } = this.#library;
      this.observe.log.info({ event: "functions_loaded", version }, "functions were loaded");
    } catch (error) {
      if (!(error instanceof Error && error.message.includes("already exists"))) throw error;
    }
  }
}

/** Whether Redis, or a function, refuses because a value is not what this chat wrote. */
export function isDamage(error: unknown): boolean {
  return isReply(error, "DAMAGED") || isReply(error, "WRONGTYPE");
}

/** Whether this is an error reply of Redis with that beginning. */
export function isReply(error: unknown, beginning: string): boolean {
  return error instanceof Error && error.message.startsWith(beginning);
}
