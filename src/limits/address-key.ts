/**
 * Whom an address stands for, in limits: an IPv4 address for itself; an IPv6 address for its /64, for whoever has one of
 * them has all (RFC 6177); an IPv4 address that is written in IPv6 (`::ffff:192.0.2.1`) for the IPv4 address.
 */
const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/** @param address as Node writes it; undefined if it is not known */
export function addressKey(address: string | undefined): string {
  if (address === undefined) return "unknown";
  const mapped = MAPPED.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  return address.includes(":") ? prefixOf(address) : address;
}

/** The first four of eight groups. */
function prefixOf(address: string): string {
  const [plain = ""] = address.toLowerCase().split("%"); // the zone of a link-local address
  const [before = "", after] = plain.split("::");
  const groups = groupsOf(before);
  if (after !== undefined) {
    const behind = groupsOf(after);
    const embedded = behind.at(-1)?.includes(".") === true ? 1 : 0; // an IPv4 address is two groups
    const zeros = 8 - groups.length - behind.length - embedded;
    groups.push(...Array<string>(Math.max(0, zeros)).fill("0"), ...behind);
  }
  const first = groups.slice(0, 4).map((group) => group.replace(/^0+(?=.)/, ""));
  return `${first.join(":")}::/64`;
}

function groupsOf(part: string): string[] {
  return part === "" ? [] : part.split(":");
}
