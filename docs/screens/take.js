/** Takes the pictures of the README: `npm run screenshots`. Needs Chromium (CHROMIUM_PATH, or Debian's). */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { WebSocket } from "ws";
import { connect } from "../../dist/clients/sdk/tertulia.js";
import { readConfig } from "../../dist/config.js";
import { startLocalRedis } from "../../dist/local-redis/server.js";
import { startNode } from "../../dist/node.js";
import { observe } from "../../dist/observe.js";

const executablePath = process.env["CHROMIUM_PATH"] ?? "/usr/bin/chromium";
if (!existsSync(executablePath)) throw new Error(`there is no Chromium at ${executablePath}`);
/** Another folder, if one is given: then with pictures of more situations, to look at. */
const folder = process.argv[2] ?? fileURLToPath(new URL(".", import.meta.url));

const redis = await startLocalRedis();
const config = readConfig({ PORT: "0", HOST: "127.0.0.1", REDIS_URL: redis.url });
const node = await startNode({ ...config, REDIS_URL: redis.url }, observe("silent", "screens"));
const address = `http://127.0.0.1:${node.port}/`;

const guests = {};
for (const name of ["bea", "Carlos", "Édith", "noor", "Tomás", "Luca"]) {
  guests[name] = connect(`ws://127.0.0.1:${node.port}/ws`, { name, WebSocket });
  await guests[name].joined();
}
const { bea, Carlos, Édith: edith, noor } = guests;

const browser = await chromium.launch({
  executablePath,
  args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
});

/** A page of ana's. */
async function open(width, height, colorScheme, locale = "en-GB") {
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme,
    locale,
    deviceScaleFactor: width < 500 ? 1.5 : 1,
    hasTouch: width < 500,
    isMobile: width < 500,
  });
  const page = await context.newPage();
  await page.goto(address);
  return page;
}

async function join(page) {
  await page.locator("input[name=name]").fill("ana");
  await page.locator("button.primary").click();
  await page.locator(".chat").waitFor();
}

const shoot = async (page, name) => {
  await page.waitForTimeout(300);
  await page.screenshot({ path: `${folder}/${name}.png` });
};

const wide = await open(1180, 760, "light");
if (process.argv[2]) await shoot(wide, "join");
await join(wide);
const says = async (page, text) => {
  await page.locator("#composer").fill(text);
  await page.locator("#composer").press("Enter");
  await page.getByText(text).last().waitFor();
};
await bea.publish("~", "Good morning! Who is in for Saturday?");
await Carlos.publish("~", "Me, if we start after eleven");
await Carlos.publish("~", "The little place by the river opens at noon: https://example.org/cafe");
await says(wide, "After eleven is perfect");
await noor.publish(
  "~",
  "I can bring the folding chairs, and a second table if somebody has a car big enough for it.",
);
await edith.publish("~", "I have one! A van, even.");
await says(wide, "Wonderful. Then it is settled: Saturday at noon, by the river.");
await bea.publish("~", "¡Perfecto!");
await noor.publish("@ana", "Shall I pick you up on the way?");
await noor.publish("@ana", "I pass by your street anyway");
await Carlos.publish("@ana", "Did you find the photos?");
await edith.setStatus("busy");
await guests.Luca.setStatus("inactive");
await wide.locator(".badge").first().waitFor();
bea.typing("~");
await wide.locator(".typing-dots").waitFor();
await shoot(wide, "desktop-light");

await wide.emulateMedia({ colorScheme: "dark" });
await wide.locator(".line", { hasText: "noor" }).first().click();
await says(wide, "Yes please! Half past eleven?");
await noor.publish("@ana", "Half past eleven it is.");
await shoot(wide, "desktop-dark");
await wide.getByRole("button", { name: "Leave" }).click();
await wide.locator(".join").waitFor();
await wide.context().close();

const phone = await open(390, 780, "light");
await join(phone);
await phone.locator(".message").first().waitFor();
await shoot(phone, "phone");
if (process.argv[2]) {
  await phone.locator(".back").click();
  await shoot(phone, "phone-list");
  await phone.locator(".me input[value=busy]").check({ force: true });
  await bea.publish("~", "quiet please");
  await phone.locator(".line").first().click();
  await shoot(phone, "phone-busy");
}
await browser.close();
for (const guest of Object.values(guests)) await guest.close();
await node.close();
await redis.close();
