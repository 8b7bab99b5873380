/** `IDENTITY=open`: whoever takes a free name is that person, so nothing has to be proved. */
import type { Identity } from "../chat/identity.js";

export const OPEN: Identity = {
  prove: async () => ({ outcome: "proved", proof: undefined }),
};
