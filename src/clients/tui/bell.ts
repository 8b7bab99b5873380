/** What the terminal rings for. Pure. */
import type { Message } from "../sdk/events.js";
import { EVERYBODY } from "../view/model.js";
import { clean } from "./clean.js";
import { mentions } from "./mentions.js";

export const BELLS = ["all", "mentions", "none"] as const;

/** `mentions`: what is private, and what has one's own name in it. */
export type Bell = (typeof BELLS)[number];

export function rings(bell: Bell, { conv, text }: Message, me: string): boolean {
  switch (bell) {
    case "all":
      return true;
    case "mentions":
      return conv !== EVERYBODY || mentions(clean(text), me).length > 0;
    case "none":
      return false;
    default:
      return bell satisfies never;
  }
}
