/** A new password, from the operator: for a user who has forgotten it, or where nobody registers. */
import { randomBytes } from "node:crypto";
import type { Name } from "../chat/names.js";
import { PasswordHasher } from "./password-hasher.js";
import type { AccountStore } from "./ports.js";

/** Sets a random password, which it returns, and ends all login sessions. Makes the account if there is none. */
export async function newPassword(store: AccountStore, name: Name): Promise<string> {
  const password = randomBytes(12).toString("base64url");
  const hashed = Buffer.from(password);
  const hash = await new PasswordHasher().inPlace("operator", (place) => place.hash(hashed));
  const [version, share] = [randomId(), randomId()];
  await store.setPassword(name, { hash, version, share }, undefined);
  return password;
}

function randomId(): string {
  return randomBytes(12).toString("base64url");
}
