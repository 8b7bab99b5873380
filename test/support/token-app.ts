/**
 * An app with users of its own, as an operator of `IDENTITY=token` has one: it knows who its users are by a cookie, gives
 * them tokens that it signs, and publishes the keys for the chat. RFC 7515, 7517, 7519.
 */
import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { SignJWT, exportJWK, generateKeyPair, type CryptoKey, type JWK } from "jose";

interface Key {
  readonly kid: string;
  readonly secret: CryptoKey;
  readonly jwk: JWK;
}

export class TokenApp {
  /** For how long a token is good. */
  seconds = 60;
  /** Tokens that were given out. */
  given = 0;
  state: "serving" | "away" = "serving";
  readonly #server: Server;
  readonly #cookies = new Map<string, string>();
  readonly #keys: readonly Key[];
  #current = 0;

  private constructor(keys: readonly Key[]) {
    this.#keys = keys;
    this.#server = createServer((request, response) => {
      void this.#answer(request).then(([status, body]) => response.writeHead(status).end(body));
    });
  }

  static async start(): Promise<TokenApp> {
    const app = new TokenApp(await Promise.all([newKey(), newKey()]));
    app.#server.listen(0, "127.0.0.1");
    await new Promise((resolve) => app.#server.once("listening", resolve));
    return app;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** What a gateway has to know. */
  get settings(): Record<string, string> {
    return {
      IDENTITY: "token",
      TOKEN_JWKS_URL: `${this.url}/keys`,
      TOKEN_ISSUER: "app",
      TOKEN_AUDIENCE: "chat",
    };
  }

  /** Somebody has logged in to the app. Returns what its own page would call to get a token. */
  logsIn(user: string): () => Promise<string> {
    const cookie = randomUUID();
    this.#cookies.set(cookie, user);
    return async () => {
      const response = await fetch(`${this.url}/token`, { headers: { cookie } });
      if (!response.ok) throw new Error(`the app answers ${response.status}`);
      return response.text();
    };
  }

  /** Signs with the other key, which was published before. */
  rotates(): void {
    this.#current = 1 - this.#current;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #answer({ url, headers }: IncomingMessage): Promise<[status: number, body: string]> {
    if (url === "/keys") return [200, JSON.stringify({ keys: this.#keys.map(({ jwk }) => jwk) })];
    if (this.state === "away") return [503, ""];
    const user = this.#cookies.get(headers.cookie ?? "");
    if (url !== "/token" || user === undefined) return [401, ""];
    this.given++;
    const { kid, secret } = this.#keys[this.#current]!;
    const token = new SignJWT()
      .setProtectedHeader({ alg: "ES256", kid })
      .setSubject(user)
      .setIssuer("app")
      .setAudience("chat")
      .setIssuedAt()
      .setExpirationTime(new Date(Date.now() + this.seconds * 1_000));
    return [200, await token.sign(secret)];
  }
}

async function newKey(): Promise<Key> {
  const kid = randomUUID();
  const { privateKey, publicKey } = await generateKeyPair("ES256");
  return { kid, secret: privateKey, jwk: { ...(await exportJWK(publicKey)), kid, use: "sig" } };
}
