/** TLS on the clients' port, for gateways without a balancer that ends it. The files are read again when they change. */
import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { Socket } from "node:net";
import { createSecureContext, createServer, type Server, type TLSSocket } from "node:tls";
import { addressKey } from "../limits/address-key.js";
import type { Log } from "../observe.js";
import { pauseUnlessAborted } from "../pause.js";
import { Admission } from "./admission.js";
import { wholeAnswer } from "./answers.js";
import { addressOf, passAddress } from "./client-address.js";
import { readStart } from "./connection-start.js";
import { hangUp } from "./hang-up.js";

/** Paths of PEM files: the certificate with those between it and its authority, and its key. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

interface Pem {
  readonly cert: string;
  readonly key: string;
}

/** Certificates are renewed days before they end: soon enough, and cheap. */
const LOOK_EVERY_MS = 5_000;
/** Whoever had to wait longer would be cut in the middle of the handshake, or before its request: see REQUEST_WITHIN_MS. */
const MAX_WAIT_S = 2;
/** As a handshake begins; no request does. RFC 8446 §5.1. */
const HANDSHAKE = 0x16;

export class TlsServer {
  readonly #files: TlsFiles;
  readonly #log: Log;
  readonly #server: Server;
  /** What to do when the handshake of a connection is over; by its other end, because the server tells no more. */
  readonly #waiting = new Map<string, (secure: TLSSocket) => void>();
  readonly #closing = new AbortController();
  /** Of handshakes: they are the most work that a stranger can ask for. */
  readonly #strangers: Admission;
  /** Of those nearby: probes and peers do not wait behind strangers, each of whom needs no more than a byte to wait. */
  readonly #neighbours: Admission;
  readonly #isNear: (address: string | undefined) => boolean;
  #used: Pem | undefined;
  /** Why newer files are not used. */
  #refused: string | undefined;

  /**
   * @param handshakesPerSecond are begun of strangers, and as many of those nearby; the others wait for their turn, or
   *   are cut
   * @param isNear whether an address is one of this network, or of a proxy that is trusted
   */
  constructor(
    files: TlsFiles,
    log: Log,
    handshakesPerSecond: number,
    isNear: (address: string | undefined) => boolean,
  ) {
    this.#files = files;
    this.#strangers = new Admission(handshakesPerSecond, MAX_WAIT_S);
    this.#neighbours = new Admission(handshakesPerSecond, MAX_WAIT_S);
    this.#isNear = isNear;
    this.#log = log;
    this.#server = createServer({ allowHalfOpen: true, ALPNProtocols: ["http/1.1"] }, (secure) => {
      const handOn = this.#waiting.get(endOf(secure));
      if (handOn !== undefined) return handOn(secure);
      // a client that is gone by now has no address any more
      secure.on("error", () => {}); // `close` follows
      secure.destroy();
    });
    this.#server.on("tlsClientError", (error: NodeJS.ErrnoException) => {
      const { code } = error;
      log.debug({ event: "tls_handshake_failed", code }, "a client's TLS handshake failed");
    });
  }

  /** Reads the files. @throws Error of the system, or of TLS, if they cannot be used */
  async load(): Promise<void> {
    this.#use(await this.#read());
  }

  /** When the certificate in use ends, in seconds since 1970. */
  get certificateEnd(): number {
    if (this.#used === undefined) return 0;
    return Date.parse(new X509Certificate(this.#used.cert).validTo) / 1_000;
  }

  /** From now on, until it is closed, the files are read again. Newer ones that cannot be used are not. */
  async follow(): Promise<void> {
    const { signal } = this.#closing;
    for (;;) {
      await pauseUnlessAborted(LOOK_EVERY_MS, signal);
      if (signal.aborted) return;
      await this.#lookAgain();
    }
  }

  /** May be called twice. */
  close(): void {
    this.#closing.abort();
    this.#strangers.close();
    this.#neighbours.close();
  }

  /**
   * Hands on what goes through the connection, when the handshake is over. Who speaks plain HTTP is told so; if the
   * handshake fails, the connection is destroyed. The deadline is its owner's.
   */
  secure(socket: Socket, handOn: (secure: TLSSocket) => void): void {
    let first = HANDSHAKE;
    const look = (bytes: Buffer): "more" | { drop: number } => {
      if (bytes.length === 0) return "more";
      first = bytes[0]!;
      return { drop: 0 };
    };
    readStart(socket, look, () => {
      if (first !== HANDSHAKE) return hangUp(socket, wholeAnswer(socket, 400, SPEAKS_TLS));
      void this.#inTurn(socket, handOn);
    });
  }

  async #inTurn(socket: Socket, handOn: (secure: TLSSocket) => void): Promise<void> {
    const address = addressOf(socket);
    const admission = this.#isNear(address) ? this.#neighbours : this.#strangers;
    const isAdmitted = await admission.enter(addressKey(address), () => socket.destroyed);
    if (isAdmitted && !socket.destroyed) this.#shakeHands(socket, handOn);
    else socket.destroy(); // before a handshake nothing can be told
  }

  #shakeHands(socket: Socket, handOn: (secure: TLSSocket) => void): void {
    const end = endOf(socket);
    const forget = (): void => void this.#waiting.delete(end);
    this.#waiting.set(end, (secure) => {
      forget();
      socket.off("close", forget);
      passAddress(socket, secure);
      handOn(secure);
    });
    socket.on("close", forget);
    this.#server.emit("connection", socket);
  }

  async #read(): Promise<Pem> {
    const [cert, key] = await Promise.all(
      [this.#files.cert, this.#files.key].map((file) => readFile(file, "utf8")),
    );
    return { cert: cert!, key: key! };
  }

  /** Connections that are open go on as they are. */
  #use(pem: Pem): void {
    createSecureContext(pem); // throws before anything has changed
    this.#server.setSecureContext({ ...pem, minVersion: "TLSv1.2" });
    this.#used = pem;
  }

  async #lookAgain(): Promise<void> {
    try {
      const pem = await this.#read();
      const isUsed = pem.cert === this.#used?.cert && pem.key === this.#used.key;
      if (!isUsed) this.#use(pem);
      this.#refused = undefined;
      if (isUsed) return;
      this.#log.info({ event: "tls_files_changed" }, "new connections get the new certificate");
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      const why = code ?? message;
      if (why === this.#refused) return;
      this.#refused = why;
      this.#log.error(
        { event: "tls_files_refused", why },
        "the new certificate or key cannot be used: the old ones are kept",
      );
    }
  }
}

const SPEAKS_TLS = "this port speaks TLS: https:// or wss://";

/** Two connections to the same port never have the same other end at the same time. */
function endOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
