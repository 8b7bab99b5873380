/** What becomes a link in a text, and where it leads. */
import { array, assert, constantFrom, oneof, property, string } from "fast-check";
import { expect, test } from "vitest";
import { linkified } from "#tertulia/clients/view/links.js";

/** The parts, links as `<text>`; with `<text → host>` if another host is meant than is written. */
function marked(text: string): string {
  return linkified(text)
    .map((part) => {
      if (part.type === "text") return part.text;
      return part.host === undefined ? `<${part.text}>` : `<${part.text} → ${part.host}>`;
    })
    .join("");
}

test.each([
  ["alone", "<https://e.org>"],
  ["with all parts", "<https://e.org:8443/a/b?c=d&e=%20#f>"],
  ["in capitals", "<HTTPS://E.ORG/X>!"],
  ["a sentence ends behind it", "see <https://e.org/a?b=c>. Or <https://e.org>?!"],
  ["several", "<https://e.org>,<http://f.org/a>; <http://g.org>"],
  ["brackets around it", "(<https://e.org/a>) [<https://e.org>] {<https://e.org/>}"],
  ["brackets within it", "<https://de.wikipedia.org/wiki/Foo_(bar)>"],
  ["both", "(see <https://de.wikipedia.org/wiki/Foo_(bar)_[baz]>)."],
  ["an open one", "<https://e.org/Foo_(bar>, <https://e.org/>("],
  ["Markdown", "[text](<https://e.org/a>)[more](<https://e.org/b_(c)>) *<https://e.org/>*"],
  ["brackets of a question", "<https://e.org/?a[0]=1&b={c}>"],
  ["apostrophes within it", "<https://e.org/it's/it’s>"],
  ["apostrophes around it", "'<https://e.org/it's>' ‘<https://e.org/>’"],
  ["apostrophes behind a host", "<https://e.org>'s page"],
  ["quotes", `"<https://e.org/a>" “<https://e.org/b>” «<https://e.org/c>» \`<https://e.org>\``],
  ["Chinese", "看<https://e.org/a>，还有<https://e.org/b>。再见"],
  ["Chinese in brackets", "（<https://e.org/a>）「<https://e.org/b>」"],
  ["Japanese", "<https://ja.wikipedia.org/wiki/佐々木・太郎_(曖昧さ回避)>。"],
  ["a host before a full stop", "<https://e.org>。次"],
  ["Hindi, Arabic, Armenian", "<https://e.org/a>। <https://e.org/b>، <https://e.org/c>։"],
  ["Catalan", "<https://ca.wikipedia.org/wiki/Col·lecció>"],
  ["Persian", "<https://fa.wikipedia.org/wiki/می‌خواهم>"],
  ["emoji", "<https://e.org/👩‍💻>"],
  ["dashes", "<https://e.org/a–b> – <https://e.org/c>"],
  ["invisible signs behind it", "<https://e.org/a>\u200b\u2800"],
  ["signs that turn the direction", "<https://e.org/>\u202Egpj.exe"],
  ["no host", "https:// http:///a https://?a"],
  ["another scheme", "ftp://e.org javascript:alert(1) view-source+http://e.org xhttps://e.org"],
  ["a user who looks like a host", "https://bank.example@evil.example/ http://a:b@e.org"],
  ["an @ in a path", "<https://e.org/@ana> <https://e.org?a@b>"],
  ["a backslash", "<https://bank.example>\\@evil.example"],
  [
    "a host that seems to go on",
    "https://e\u200c.org https://e\u00ad.org https://e.org\u200b.evil",
  ],
  ["a host in another script", "<https://müller.de/x → xn--mller-kva.de>"],
  ["a host that looks like another", "<https://аpple.com → xn--pple-43d.com>"],
  ["from right to left", "<https://אתר.example/א → xn--4db2cf.example>"],
  ["a host in disguise", "<https://e%78ample.org → example.org> <http://0x7f.1 → 127.0.0.1>"],
  ["wide letters", "<https://ｅ.org → e.org>"],
  ["a port that is written though it is the usual one", "<https://e.org:443/> <http://e.org:80/>"],
  ["IPv6", "<http://[::1]:9000/a> (<http://[::1]>) <http://[::1]>x"],
  ["no such port", "https://e.org:99999/"],
])("%s: %s", (_, expected) => {
  expect(marked(expected.replaceAll(/<(h[^ >]+)(?: → [^ >]+)?>/gi, "$1"))).toBe(expected);
});

test("no text loses a character, and no link leads to a host that is not shown", () => {
  const piece = constantFrom(
    ..."https:// http:// e.org ü ａ א @ : \\ / ? # . ( ) [ ] ' ’ 。 %".split(" "),
  );
  const sign = constantFrom("\u200d", "\u00ad", "\u202e", " ", "\n", "\ud800");
  const likely = array(oneof({ weight: 5, arbitrary: piece }, sign), { maxLength: 40 });
  const check = (given: string): void => {
    const parts = linkified(given);
    expect(parts.map((part) => part.text).join("")).toBe(given);
    for (const part of parts) {
      if (part.type !== "link") continue;
      const { protocol, host } = new URL(part.href);
      const written = /^https?:\/\/([^/?#]*)/i.exec(part.text)![1]!.toLowerCase();
      expect(protocol).toMatch(/^https?:$/);
      expect([host, `${host}:80`, `${host}:443`]).toContain(part.host ?? written);
      expect(part.text).not.toMatch(/[\s\\\u202a-\u202e\u2066-\u2069]/);
    }
  };
  assert(property(string({ unit: "binary" }), (any) => check(`https://${any}`)));
  assert(
    property(likely, (some) => check(some.join(""))),
    { numRuns: 1_000 },
  );
});
