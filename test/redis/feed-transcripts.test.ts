/** What the feed does, step by step: test/redis/feed-transcripts. `RECORD=1` writes it down anew. */
import { readdirSync } from "node:fs";
import { test } from "vitest";
import { FeedPlayer } from "../support/feed-player.js";
import { playTranscript } from "../support/feed-transcript.js";

const FOLDER = new URL("feed-transcripts/", import.meta.url);

for (const name of readdirSync(FOLDER)) {
  test(`the feed does as ${name} says`, () =>
    playTranscript(new URL(name, FOLDER), new FeedPlayer()));
}
