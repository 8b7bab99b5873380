/** Which promises a transcript breaks. PROTOCOL.md, promises. */

interface Line {
  readonly number: number;
  readonly text: string;
  readonly isInput: boolean;
}

/** Each with the number of its line. */
export function brokenPromises(transcript: string): string[] {
  const lines = transcript
    .split("\n")
    .filter((text) => text !== "")
    .flatMap((text, i): Line[] => {
      const [, line = text, times = "1"] = /^(.*) \((\d+) times\)$/.exec(text) ?? [];
      const read: Line = {
        number: i + 1,
        text: line.replace(/^ {2}(@\d+ms )?/, ""),
        isInput: !text.startsWith("  "),
      };
      return Array.from({ length: Number(times) }, () => read);
    });
  return [
    nothingAfterTheEnd,
    onceAndInOrder,
    heldBack,
    endedOnce,
    onlyInItsOwnName,
    givenBack,
  ].flatMap((check) => check(lines));
}

/** Behind a close frame there is only the end of the connection, behind which there is nothing. */
function nothingAfterTheEnd(lines: readonly Line[]): string[] {
  const broken: string[] = [];
  let end: "close" | "end" | "cut" | undefined;
  for (const { number, text, isInput } of lines) {
    if (isInput || !text.startsWith("> ")) continue;
    const isLater = { close: 0, end: 1, cut: 2 };
    const [, word = ""] = text.split(" ");
    const now = word === "close" || word === "end" || word === "cut" ? word : undefined;
    if (end !== undefined && (now === undefined || isLater[now] <= isLater[end])) {
      broken.push(`line ${number}: after ${end}: ${text}`);
    }
    end = now ?? end;
  }
  return broken;
}

interface Place {
  readonly conv: string;
  readonly seq: number;
}

/** Of each conversation, one number after the other, unless a gap was told; and all that the feed has told. */
function onceAndInOrder(lines: readonly Line[]): string[] {
  const broken: string[] = [];
  const cursors = new Map<string, number>();
  const announced = new Map<string, number>();
  const quiet = new QuietMoments();
  for (const line of lines) {
    const { number, text, isInput } = line;
    if (isInput && quiet.isNow) {
      for (const [conv, seq] of announced) {
        const cursor = cursors.get(conv);
        if (cursor !== undefined && cursor < seq) {
          broken.push(`line ${number}: ${conv} ${seq} was not told, only ${cursor}`);
        }
      }
    }
    quiet.look(line);
    const said = isInput ? /^\* message (\S+) (\d+)/.exec(text) : null;
    if (said !== null) announced.set(said[1]!, Number(said[2]));
    // what was heard under a name that was not had is nothing of this session's
    if (text.startsWith("hub add")) for (const each of [cursors, announced]) each.clear();
    if (isInput || !text.startsWith("> ")) continue;
    for (const { conv, seq } of cursorsIn(text.slice(2))) cursors.set(conv, seq);
    const message = messageIn(text.slice(2));
    if (message === undefined) continue;
    const { conv, seq } = message;
    const cursor = cursors.get(conv);
    if (cursor !== undefined && seq !== cursor + 1) {
      broken.push(`line ${number}: ${conv} ${seq} after ${cursor}`);
    }
    cursors.set(conv, seq);
  }
  return broken;
}

/** When nothing is under way, and nothing holds back what a client is told. */
class QuietMoments {
  #asked = 0;
  #isOpen = false;
  #isStalled = false;
  /** What the send queue may hold: then what was missed is told by and by. */
  #isSmall = false;
  #isSure = false;
  #sinceOpenMs = 0;

  get isNow(): boolean {
    const isFree = this.#isOpen && !this.#isStalled && this.#isSure;
    return isFree && this.#asked === 0 && this.#sinceOpenMs >= 25;
  }

  look({ text, isInput }: Line): void {
    if (isInput) {
      if (text.startsWith("= ")) this.#asked--;
      if (text === "stall" || text === "take all") this.#isStalled = text === "stall";
      if (/^(< (close|end|reset)|\* gap)/.test(text)) this.#isOpen = false;
      if (text.includes(" queue=")) this.#isSmall = true;
      const [, time, unit] = /^\+(\d+)(ms|s)$/.exec(text) ?? [];
      if (this.#isOpen) this.#sinceOpenMs += Number(time ?? 0) * (unit === "s" ? 1_000 : 1);
    } else if (text.startsWith("? ") && !text.endsWith("not live")) this.#asked++;
    else if (text.startsWith("nobody has asked")) this.#asked++;
    else if (text === "> 101") this.#isOpen = !this.#isSmall;
    else if (/^> (close|end|cut)/.test(text)) this.#isOpen = false;
    else if (text.endsWith("sure of its name")) this.#isSure = !text.startsWith("not");
  }
}

/** The text of a message in bytes tells its conversation and number: see random-store. */
function messageIn(frame: string): Place | undefined {
  const inBytes = /^55 (?:\d+ )?"[^"]+" "(?:\w+: )?(\S+) (\d+)"$/.exec(frame);
  if (inBytes !== null) return { conv: inBytes[1]!, seq: Number(inBytes[2]) };
  if (!frame.startsWith('{"type":"message"')) return undefined;
  return JSON.parse(frame) as Place;
}

/** From where on messages follow. */
function cursorsIn(frame: string): Place[] {
  if (!/^\{"type":"(gap|welcome)"/.test(frame)) return [];
  const { conversations, conv, before } = JSON.parse(frame) as {
    conversations?: { conv: string; after: number }[];
    conv: string;
    before: number;
  };
  if (conversations === undefined) return [{ conv, seq: before - 1 }];
  return conversations.map((each) => ({ conv: each.conv, seq: each.after }));
}

/** What the feed tells is not told in doubt; nor, where the store's answer says more, before that answer. */
function heldBack(lines: readonly Line[]): string[] {
  const broken: string[] = [];
  const isReplicated = lines.some(({ text }) => /^connect .* replicated/.test(text));
  let isInDoubt = false;
  let storing = 0;
  let input = "";
  for (const { number, text, isInput } of lines) {
    if (isInput) {
      input = text;
      if (text.startsWith("= append")) storing--;
      if (text.startsWith("= claim")) isInDoubt = false;
    } else if (text.startsWith("? append") && !text.endsWith("not live")) storing++;
    else if (text.startsWith("nobody has asked: append")) storing++;
    else if (text === "not sure of its name") isInDoubt = /^(suspend|reclaim)/.test(input);
    else if (text.startsWith("> close")) isInDoubt = false;
    else if (input.startsWith("* ") && /^> (55|54|53|\{)/.test(text)) {
      if (isInDoubt) broken.push(`line ${number}: in doubt: ${text}`);
      if (isReplicated && storing > 0) broken.push(`line ${number}: not stored yet: ${text}`);
    }
  }
  return broken;
}

function endedOnce(lines: readonly Line[]): string[] {
  const times = lines.filter(({ text, isInput }) => !isInput && text === "ended").length;
  return times === 1 ? [] : [`ended ${times} times`];
}

/** Nothing is stored in a name that the session does not have for sure. */
function onlyInItsOwnName(lines: readonly Line[]): string[] {
  const broken: string[] = [];
  let wasSure = false;
  let isSure = false;
  let acts: Line[] = [];
  let input = "";
  for (const line of lines) {
    if (line.isInput) {
      // a private message was begun when its recipient was looked up
      if (!wasSure && !isSure && !input.startsWith("= user")) {
        broken.push(...acts.map(({ number, text }) => `line ${number}: not sure: ${text}`));
      }
      wasSure = isSure;
      acts = [];
      input = line.text;
    } else if (line.text.endsWith("sure of its name")) isSure = !line.text.startsWith("not");
    else if (line.text.startsWith("? append") && !isRefused(line)) acts.push(line);
  }
  return broken;
}

/** A name that was claimed, with success or perhaps, is given back in the end: asked for behind the claim. */
function givenBack(lines: readonly Line[]): string[] {
  const mayHave = new Set<string>();
  const broken: string[] = [];
  const asked = { claim: [] as string[], leave: [] as string[] };
  const signedOut = new Set<string>();
  let input = "";
  for (const line of lines) {
    const { text, isInput, number } = line;
    if (isInput) input = text;
    const [mark = "", kind = "", who = ""] = text.split(" ");
    if (mark === "?" && (kind === "claim" || kind === "leave") && !isRefused(line)) {
      asked[kind].push(who);
      if (kind === "claim") mayHave.add(who);
    } else if (isInput && mark === "=" && (kind === "claim" || kind === "leave")) {
      const holder = asked[kind].shift()!;
      const isDone = kind === "claim" ? who === "taken" : who !== "fails" && who !== "breaks";
      if (isDone) mayHave.delete(holder);
    } else if (!isInput && text.startsWith("sign out ")) {
      const holder = who.replace(",", "");
      mayHave.delete(holder);
      // the connection may be over before a claim that was not answered
      const isUnsure = /^= claim (fails|breaks)/.test(input);
      if (signedOut.has(holder) && !isUnsure) broken.push(`line ${number}: again: ${text}`);
      signedOut.add(holder);
    }
  }
  return [...broken, ...[...mayHave].map((holder) => `${holder} was not signed out`)];
}

/** By the store, before it asked Redis. */
function isRefused({ text }: Line): boolean {
  return text.endsWith("refused: not live");
}
