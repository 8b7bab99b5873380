/** Passwords, as they are kept: scrypt (RFC 7914), with its parameters beside the hash. Worked out off the event loop. */
import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";

interface Parameters {
  /** Cost: 2 to this power. */
  readonly ln: number;
  readonly r: number;
  readonly p: number;
}

/** 16 MB each, and as much work as OWASP's Password Storage Cheat Sheet asks for. */
const PRESENT: Parameters = { ln: 14, r: 8, p: 5 };
const SALT_BYTES = 16;
const HASH_BYTES = 32;
/** So many at once: libuv has four threads, and files and names of hosts need some. */
const AT_ONCE = 2;
/** So many wait, and of one network so many. */
const [MOST_WAITING, MOST_OF_NETWORK] = [32, 4];
/** So many in all. */
const MOST = MOST_WAITING + AT_ONCE;
/** About how long one takes: only for the advice when to come back. */
const ABOUT_MS = 250;

/** Too many passwords wait to be looked at. */
export class TooBusy extends Error {
  override readonly name = "TooBusy";
  /** About when there is room again. */
  readonly retryAfterMs: number;

  constructor(waiting: number) {
    super("too many passwords wait to be looked at");
    this.retryAfterMs = Math.ceil(((waiting + 1) * ABOUT_MS) / AT_ONCE);
  }
}

/** The password as it is hashed: characters in one way (NFKC, NIST SP 800-63B), or bytes that are no UTF-8 as they are. */
export function normalized(password: Uint8Array): Uint8Array {
  try {
    return encoder.encode(decoder.decode(password).normalize("NFKC"));
  } catch {
    return password; // of a client that writes another encoding: it will do so again
  }
}

/** 8 to 256 bytes, any of them. */
export function isPassword(password: Uint8Array): boolean {
  const { length } = normalized(password);
  return length >= 8 && length <= 256 && password.length <= 256;
}

/** A place among those whose passwords are looked at: what is asked in it is never refused as too much. */
export interface Place {
  hash(password: Uint8Array): Promise<string>;
  /** Whether this is the password. @param kept undefined: of nobody, never right */
  verify(password: Uint8Array, kept: string | undefined): Promise<boolean>;
}

export class PasswordHasher {
  readonly #parameters: Parameters;
  readonly #waiting: (() => void)[] = [];
  readonly #ofNetwork = new Map<string, number>();
  readonly #place: Place = {
    hash: (password) => this.#hash(password),
    verify: (password, kept) => this.#verify(password, kept),
  };
  #running = 0;
  #taken = 0;
  /** Of no password: a name without an account costs as much as one with a wrong password. */
  readonly #decoy: string;

  /** @param parameters the present ones; others only in tests */
  constructor(parameters: Parameters = PRESENT) {
    this.#parameters = parameters;
    this.#decoy = written(parameters, randomBytes(SALT_BYTES), randomBytes(HASH_BYTES));
  }

  /**
   * Keeps a place for one of this network while a step runs, so that it counts nothing for a password that is not
   * looked at.
   * @throws TooBusy before the step has begun
   */
  async inPlace<T>(network: string, step: (place: Place) => Promise<T>): Promise<T> {
    const own = this.#ofNetwork.get(network) ?? 0;
    if (this.#taken >= MOST || own >= MOST_OF_NETWORK + AT_ONCE) {
      throw new TooBusy(Math.max(0, this.#taken - AT_ONCE));
    }
    this.#taken++;
    this.#ofNetwork.set(network, own + 1);
    try {
      return await step(this.#place);
    } finally {
      this.#taken--;
      const left = this.#ofNetwork.get(network)! - 1;
      if (left === 0) this.#ofNetwork.delete(network);
      else this.#ofNetwork.set(network, left);
    }
  }

  /** Whether it was made with other parameters than the present ones. */
  isOutdated(kept: string): boolean {
    const { ln, r, p } = read(kept).parameters;
    return ln !== this.#parameters.ln || r !== this.#parameters.r || p !== this.#parameters.p;
  }

  async #hash(password: Uint8Array): Promise<string> {
    const salt = randomBytes(SALT_BYTES);
    const hash = await this.#work(normalized(password), salt, this.#parameters);
    return written(this.#parameters, salt, hash);
  }

  async #verify(password: Uint8Array, kept: string | undefined): Promise<boolean> {
    const { parameters, salt, hash } = read(kept ?? this.#decoy);
    const found = await this.#work(normalized(password), salt, parameters);
    return timingSafeEqual(found, hash) && kept !== undefined;
  }

  async #work(password: Uint8Array, salt: Buffer, parameters: Parameters): Promise<Buffer> {
    if (this.#running < AT_ONCE) this.#running++;
    else await new Promise<void>((go) => this.#waiting.push(go));
    try {
      return await derived(password, salt, parameters);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next(); // it runs instead
    }
  }
}

function derived(password: Uint8Array, salt: Buffer, { ln, r, p }: Parameters): Promise<Buffer> {
  const N = 2 ** ln;
  return new Promise((resolve, reject) => {
    const options = { N, r, p, maxmem: 256 * N * r };
    scrypt(Buffer.concat([password, END]), salt, HASH_BYTES, options, (error, hash) =>
      error === null ? resolve(hash) : reject(error),
    );
  });
}

/** In the way of the PHC string format: `$scrypt$ln=14,r=8,p=5$salt$hash`. */
function written({ ln, r, p }: Parameters, salt: Buffer, hash: Buffer): string {
  return `$scrypt$ln=${ln},r=${r},p=${p}$${salt.toString("base64url")}$${hash.toString("base64url")}`;
}

/** @throws RangeError if it is not written so */
function read(kept: string): { parameters: Parameters; salt: Buffer; hash: Buffer } {
  const found = KEPT.exec(kept);
  if (found === null) throw new RangeError("this is no hash of a password");
  const [ln, r, p] = found.slice(1, 4).map(Number);
  const [salt, hash] = found.slice(4).map((part) => Buffer.from(part, "base64url"));
  return { parameters: { ln: ln!, r: r!, p: p! }, salt: salt!, hash: hash! };
}

/** Behind each password. HMAC, in scrypt, fills with zeros: without it, those at the end would not count. RFC 2104 §2. */
const END = Buffer.of(1);
/** What is kept comes from Redis: its cost is bounded. */
const KEPT = /^\$scrypt\$ln=(1[0-8]),r=(8),p=([1-9]|1\d)\$([\w-]{22})\$([\w-]{43})$/;
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
