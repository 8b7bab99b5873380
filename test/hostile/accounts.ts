/** Where names belong to accounts: what does not prove a name, and what is asked of somebody else's account. */
import { told, type Chapter, type HostileCase } from "./hostile-case.js";
import { clientFrame, jsonFrame, type Rogue } from "./rogue.js";
import { L, PASSWORD, type World } from "./world.js";

const NOBODYS = "A".repeat(43);

/** A request of a stranger about a name that has an account. */
function stranger(request: (name: string) => object): HostileCase["seen"] {
  return async (world) => {
    const name = world.newName();
    (await world.named("json", name)).destroy();
    const rogue = await world.rogue();
    await rogue.upgrade("/ws");
    rogue.write(jsonFrame({ name, ...request(name) }));
    await rogue.heard(({ payload }) => /"(?:welcome|error|ok)"/.test(payload.toString()));
    return told(rogue, "json", name);
  };
}

/** An upgrade in bytes, by a name that has an account. */
function upgrade(query: (name: string) => string, more = ""): HostileCase["seen"] {
  return async (world) => {
    const name = world.newName();
    (await world.named("json", name)).destroy();
    const rogue = await world.rogue();
    const status = await rogue.upgrade(`/?${query(name)}`, more);
    rogue.destroy();
    return status;
  };
}

/** What a user got for this, and what became of it and of another user, whom it is about. */
function user(requests: (other: string) => readonly object[]): HostileCase["seen"] {
  return async (world) => {
    const [name, other] = [world.newName(), world.newName()];
    const victim = await world.named("json", other);
    const rogue = await world.named("json", name);
    for (const request of requests(other)) rogue.write(jsonFrame({ id: 1, ...request }));
    const got = await told(rogue, "json", name);
    return `${got}; the other ${await fateOf(victim)}`;
  };
}

async function fateOf(victim: Rogue): Promise<string> {
  const fate = await victim.fate();
  victim.destroy();
  return fate;
}

async function guesses(world: World): Promise<string> {
  const name = world.newName();
  (await world.named("json", name)).destroy();
  const rogue = await world.rogue();
  await rogue.upgrade("/ws");
  for (let i = 0; i < 9; i++) {
    rogue.write(jsonFrame({ type: "login", id: i, name, password: `a-guess-${i}` }));
    await rogue.heard(({ payload }) => payload.includes(`"id":${i}`));
  }
  return told(rogue, "json", name);
}

export const accounts: Chapter = {
  title: "Accounts",
  world: "accounts",
  cases: [
    {
      sent: "a hello that shows nothing, for a name with an account",
      expected: "error login_required; lives",
      seen: stranger(() => ({ type: "hello" })),
    },
    {
      sent: "a hello with a key",
      expected: "error login_required; lives",
      seen: stranger(() => ({ type: "hello", key: "a-key" })),
    },
    {
      sent: "a hello with a wrong password",
      expected: "error bad_credentials; lives",
      seen: stranger(() => ({ type: "hello", password: "a-wrong-password" })),
    },
    {
      sent: "a hello with the password and a character more",
      expected: "error bad_credentials; lives",
      seen: stranger(() => ({ type: "hello", password: `${PASSWORD} ` })),
    },
    {
      sent: "a hello with a password of one character",
      expected: "error bad_credentials; lives",
      seen: stranger(() => ({ type: "hello", password: "x" })),
    },
    {
      sent: "a hello with a login session of nobody",
      expected: "error bad_credentials; lives",
      seen: stranger(() => ({ type: "hello", session: NOBODYS })),
    },
    {
      sent: "a hello with a token",
      expected: "error login_required; lives",
      seen: stranger(() => ({ type: "hello", token: "eyJhbGciOiJub25lIn0.e30." })),
    },
    {
      sent: "a hello with a password and a login session",
      expected: "error bad_frame; lives",
      seen: stranger(() => ({ type: "hello", password: PASSWORD, session: NOBODYS })),
    },
    {
      sent: "a name that has an account, registered anew with another password",
      expected: "error name_taken; lives",
      seen: stranger(() => ({ type: "register", id: 1, password: "another-password" })),
    },
    {
      sent: "a name that has an account, in other letters, registered",
      expected: "ok; lives",
      seen: stranger((name) => ({
        type: "register",
        id: 1,
        name: name.toUpperCase(),
        password: "another-password",
      })),
    },
    {
      sent: "nine guesses at a password",
      expected: "error bad_credentials; error too_many_attempts; lives",
      seen: guesses,
    },
    {
      sent: "an upgrade without a password (bytes)",
      expected: "400",
      seen: upgrade((name) => `name=${name}`),
    },
    {
      sent: "an upgrade with a wrong password (bytes)",
      expected: "400",
      seen: upgrade((name) => `name=${name}&password=a-wrong-password`),
    },
    {
      sent: "an upgrade with an empty password (bytes)",
      expected: "400",
      seen: upgrade((name) => `name=${name}&password=`),
    },
    {
      sent: "an upgrade with a wrong password, and the right one behind it (bytes)",
      expected: "400",
      seen: upgrade((name) => `name=${name}&password=a-wrong-password&password=${PASSWORD}`),
    },
    {
      sent: "an upgrade with the password and a NUL (bytes)",
      expected: "400",
      seen: upgrade((name) => `name=${name}&password=${PASSWORD}%00`),
    },
    {
      sent: "an upgrade with the password in a cookie and in the header of tokens (bytes)",
      expected: "400",
      seen: upgrade(
        (name) => `name=${name}`,
        `Cookie: password=${PASSWORD}\r\nAuthorization: Basic ${Buffer.from(`x:${PASSWORD}`).toString("base64")}\r\n`,
      ),
    },
    {
      sent: "op 10 for another name, with its password (bytes)",
      expected: "error 1; lives",
      seen: async (world) => {
        const [name, other] = [world.newName(), world.newName()];
        (await world.named("json", other)).destroy();
        const rogue = await world.named("ws-protocol", name);
        rogue.write(clientFrame([10, ...L(other), ...L(PASSWORD)]));
        return told(rogue, "ws-protocol", name);
      },
    },
    {
      sent: "a change of password, with a wrong one",
      expected: "error bad_credentials; lives; the other lives",
      seen: user(() => [{ type: "password", old: "a-wrong-password", new: "another-password" }]),
    },
    {
      sent: "a change of password, with another's name beside it",
      expected: "error bad_credentials; lives; the other lives",
      seen: user((other) => [
        { type: "password", user: other, name: other, old: "x", new: "another-password" },
      ]),
    },
    {
      sent: "the end of all login sessions, with another's name beside it",
      expected: "closed with 4403; the other lives",
      seen: async (world) => {
        const [rogue, victim] = [await world.named("json"), await world.named("json", "victim")];
        const all = { type: "sessions", id: 1, end: "all", user: "victim", name: "victim" };
        rogue.write(jsonFrame(all));
        await rogue.ended();
        return `${await rogue.fate()}; the other ${await fateOf(victim)}`;
      },
    },
    {
      sent: "the end of login sessions by a pattern",
      expected: "error bad_frame; lives; the other lives",
      seen: user(() =>
        ["*", "", "??????????", "login:*"].map((end) => ({ type: "sessions", end })),
      ),
    },
    {
      sent: "leaving for good without a password, with a wrong one, with an empty one, with a login session",
      expected: "error bad_credentials; lives; the other lives",
      seen: user(() => [
        { type: "unregister" },
        { type: "unregister", password: "a-wrong-password" },
        { type: "unregister", session: NOBODYS, erase: true },
      ]),
    },
    {
      sent: "leaving for good, with another's name beside it",
      expected: "closed with 4403; the other lives, and logs in",
      seen: async (world) => {
        const other = world.newName();
        const victim = await world.named("json", other);
        const rogue = await world.named("json");
        const leave = { type: "unregister", id: 1, user: other, name: other, password: PASSWORD };
        rogue.write(jsonFrame(leave));
        await rogue.ended();
        const got = `${await rogue.fate()}; the other ${await fateOf(victim)}`;
        (await world.named("classic", other)).destroy();
        return `${got}, and logs in`;
      },
    },
    {
      sent: "leaving for good 50 times at once, and requests behind it",
      expected: "closed with 4403; the others chat",
      seen: async (world) => {
        const rogue = await world.named("json");
        const leave = jsonFrame({ type: "unregister", id: 1, password: PASSWORD, erase: true });
        const publish = jsonFrame({ type: "publish", id: 2, conv: "~", text: "from beyond" });
        rogue.write(Buffer.concat(Array.from({ length: 50 }, () => [leave, publish]).flat()));
        await rogue.ended();
        await world.isWell();
        return `${await rogue.fate()}; the others chat`;
      },
    },
    {
      sent: "the password of somebody who has left for good (bytes)",
      expected: "400",
      seen: async (world) => {
        const name = world.newName();
        const left = await world.named("json", name);
        left.write(jsonFrame({ type: "unregister", id: 1, password: PASSWORD }));
        await left.ended();
        const rogue = await world.rogue();
        const status = await rogue.upgrade(`/?name=${name}&password=${PASSWORD}`);
        rogue.destroy();
        return status;
      },
    },
  ],
};
