/** Accounts without Redis: what an attempt costs when the hasher is too busy. */
import { expect, test } from "vitest";
import type { Name } from "#tertulia/chat/names.js";
import { Accounts } from "#tertulia/identity/accounts.js";
import { PasswordHasher } from "#tertulia/identity/password-hasher.js";
import type { AccountStore, Attempt } from "#tertulia/identity/ports.js";

const password = Buffer.from("correct horse");

/** Accounts of nobody. `counted`: names whose attempts were counted; each waits for `answer`. */
function world() {
  const counted: string[] = [];
  let answer = (): void => {};
  const answered = new Promise<void>((resolve) => (answer = resolve));
  const store = {
    attempt: async (name: Name): Promise<Attempt> => {
      counted.push(name);
      await answered;
      return { outcome: "allowed", account: undefined };
    },
    create: () => Promise.resolve(true),
    beginLogin: () => Promise.resolve(true),
  } as Partial<AccountStore> as AccountStore;
  const hasher = new PasswordHasher({ ln: 10, r: 8, p: 1 });
  const accounts = new Accounts(store, hasher, { mayRegister: true });
  const logIn = (name: string, address: string) =>
    accounts.logIn(name as Name, password, { address });
  return { accounts, counted, answer, logIn };
}

test("a gateway that is too busy for a password counts no attempt", async () => {
  const { counted, answer, logIn } = world();
  const flood = Array.from({ length: 40 }, (_, i) => logIn(`bot${i}`, `192.0.2.${i}`));
  const honest = logIn("ana", "198.51.100.1");
  answer();
  expect(await honest).toMatchObject({ refusal: "too_many_attempts" });
  expect(counted).not.toContain("ana");
  const refusals = (await Promise.all(flood)).map((each) => "refusal" in each && each.refusal);
  expect(refusals.filter((each) => each === "bad_credentials")).toHaveLength(34);
  expect(counted).toHaveLength(34);
  expect(await logIn("ana", "198.51.100.1"), "later").toMatchObject({ refusal: "bad_credentials" });
});

test("one network has six places, and those of others stay free", async () => {
  const { counted, answer, logIn } = world();
  const flood = Array.from({ length: 40 }, (_, i) => logIn(`bot${i}`, "192.0.2.1"));
  const honest = logIn("ana", "198.51.100.1");
  answer();
  expect(await honest).toMatchObject({ refusal: "bad_credentials" });
  await Promise.all(flood);
  expect(counted).toHaveLength(7);
});

test("attempts of a network that the gateway was too busy for do not count for the network either", async () => {
  const { answer, logIn } = world();
  answer();
  const refused = Array.from({ length: 100 }, () => logIn("ana", "192.0.2.1"));
  await Promise.all(refused);
  for (let i = 0; i < 20; i++)
    expect(await logIn("ana", "192.0.2.1")).toMatchObject({ refusal: "bad_credentials" });
});

test("who registers has one place until the account is made", async () => {
  const { accounts, answer } = world();
  answer();
  const all = Array.from({ length: 34 }, (_, i) =>
    accounts.register(`user${i}` as Name, password, { address: `192.0.2.${i}`, client: "" }),
  );
  for (const each of await Promise.all(all)) expect(each).toMatchObject({ outcome: "proved" });
});
