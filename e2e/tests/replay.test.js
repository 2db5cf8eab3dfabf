// `lightspeed replay --open`: a recorded session, step by step, by the client that ships.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { eventually, scenario, screenshot, shows } from "../fixture.js";

const SESSIONS = fileURLToPath(new URL("../../examples/sessions/", import.meta.url));

/** Processes that must not outlive the tests, however those end. */
const running = new Set();
process.once("exit", () => running.forEach((child) => child.kill("SIGKILL")));

/** Serves a recording; gives the page's address. */
async function replay(stage, name) {
  const target = process.env.CARGO_TARGET_DIR ?? fileURLToPath(new URL("../../target", import.meta.url));
  const found = [process.env.LIGHTSPEED_CLI, `${target}/debug/lightspeed`].find((path) => path && existsSync(path));
  assert(found, "no `lightspeed` is built; run `make e2e`, or name one by LIGHTSPEED_CLI");
  const child = spawn(found, ["replay", `${SESSIONS}${name}`, "--open"], { stdio: ["ignore", "pipe", "inherit"] });
  running.add(child);
  const ended = new Promise((resolve) => child.once("exit", resolve));
  ended.then(() => running.delete(child));
  stage.cleanup(() => {
    child.kill("SIGTERM");
    return ended;
  });
  return new Promise((resolve, reject) => {
    ended.then((code) => reject(new Error(`lightspeed has ended: ${code}`)));
    createInterface({ input: child.stdout }).on("line", (line) => resolve(line.match(/http:\S+/)[0]));
  });
}

const open = async (stage, name, options) => {
  const page = await stage.visit(await replay(stage, name), options);
  await page.getByRole("status").getByText("Step 0 of").waitFor();
  return page;
};
const view = (page) => page.frameLocator("#view");
const status = (page) => page.locator("#status").innerText();
const button = (page, name) => page.getByRole("button", { name, exact: true });

scenario("a session is stepped through, forwards and backwards", async (stage) => {
  const page = await open(stage, "counter.lsr");
  await shows(view(page), "#count", "0");
  assert.equal(await button(page, "Previous").isDisabled(), true);
  // Join, joined, the first document, its acknowledgement; then a click and what it changed.
  for (let step = 0; step < 6; step++) await button(page, "Next").click();
  await shows(view(page), "#count", "1");
  assert.match(await status(page), /^Step 6 of 21 · 0\.\d{3} s · \w+ · version 1$/);
  await button(page, "Last").click();
  await shows(view(page), "#count", "3");
  assert.equal(await button(page, "Next").isDisabled(), true);
  await button(page, "First").click();
  await shows(view(page), "#count", "0");
  // What the frame shows comes over a socket that the client has opened.
  assert(page.sockets.length >= 2 && page.sockets.every(({ url }) => url.startsWith("ws://127.0.0.1")));
  const sent = page.sockets[0].received.length;
  assert(sent > 6, `${sent} frames`);
});

scenario("a record is chosen from the list and shown in full", async (stage) => {
  const page = await open(stage, "counter.lsr");
  const records = page.getByRole("list").getByRole("button");
  assert.equal(await records.count(), 21);
  const last = records.filter({ hasText: "patch 5 5" });
  await last.click();
  await shows(view(page), "#count", "3");
  assert.equal(await last.getAttribute("aria-current"), "step");
  assert.match(await page.locator("#detail").innerText(), /^1: patch 5 5\ntext 1 1 3$/m);
  assert.equal(await page.locator("[aria-current]").count(), 1);
});

scenario("the keyboard steps, and the slider says where it is", async (stage) => {
  // A step back shows another page in the frame, also when the last one, or its client, is still on its way.
  stage.allow(/(views\/\d+|client\.(js|wasm)) net::ERR_ABORTED/);
  stage.allow(/WebSocket is closed before the connection is established/);
  const page = await open(stage, "counter.lsr");
  await page.keyboard.press("End");
  await shows(view(page), "#count", "3");
  await page.keyboard.press("ArrowLeft");
  await eventually(() => status(page).then((text) => text.slice(0, 13)), "Step 20 of 21");
  await page.keyboard.press("Home");
  await shows(view(page), "#count", "0");
  const slider = page.getByRole("slider", { name: "Step" });
  await slider.focus();
  for (let step = 0; step < 6; step++) await page.keyboard.press("ArrowRight");
  await shows(view(page), "#count", "1");
  await eventually(() => slider.getAttribute("aria-valuetext"), await status(page));
  assert.equal(await slider.inputValue(), "6");
});

scenario("it plays to the end by itself, and pauses", async (stage) => {
  const page = await open(stage, "counter.lsr");
  await page.keyboard.press(" ");
  await shows(view(page), "#count", "2");
  await button(page, "Pause").click();
  assert.equal(await button(page, "Play").getAttribute("aria-pressed"), "false");
  await button(page, "Play").click();
  await shows(view(page), "#count", "3");
  await button(page, "Play").waitFor();
});

scenario("clicks in the replayed page change nothing", async (stage) => {
  const page = await open(stage, "counter.lsr");
  await page.keyboard.press("End");
  await shows(view(page), "#count", "3");
  await view(page).locator("#inc").click();
  await button(page, "Previous").click();
  await button(page, "Last").click();
  await shows(view(page), "#count", "3");
});

scenario("a recording is nobody else's to read", async (stage) => {
  const url = new URL(await replay(stage, "counter.lsr"));
  const page = await stage.visit(url.href);
  const get = (path, headers) => page.request.get(new URL(path, url).href, { headers });
  assert.equal((await get(url.pathname)).status(), 200);
  assert.equal((await get(`${url.pathname}recording`, { host: "evil.example" })).status(), 403);
  assert.equal((await get("/recording")).status(), 404);
});

const LOOKS = {
  light: { colorScheme: "light", viewport: { width: 1200, height: 800 } },
  dark: { colorScheme: "dark", viewport: { width: 1200, height: 800 } },
  "phone-dark": { colorScheme: "dark", viewport: { width: 390, height: 844 }, hasTouch: true, deviceScaleFactor: 2 },
};
for (const [look, options] of Object.entries(LOOKS)) {
  scenario(`the page fits: ${look}`, async (stage) => {
    const page = await open(stage, "rows.lsr", options);
    await page.locator("#records button", { hasText: "patch 4 4" }).click();
    await eventually(() => view(page).locator("tbody tr").count(), 1000);
    await eventually(() => page.locator("#detail").innerText().then((text) => text.slice(0, 12)), "1: patch 4 4");
    await page.screenshot({ path: screenshot(`replay-${look}`) });
    const [scrollWidth, clientWidth] = await page.evaluate(() => {
      const { scrollWidth, clientWidth } = document.documentElement;
      return [scrollWidth, clientWidth];
    });
    assert(scrollWidth <= clientWidth, `it scrolls sideways: ${scrollWidth} in ${clientWidth}`);
    const nameless = await page.locator("button, input, iframe, pre").evaluateAll((all) => {
      const isNamed = (one) => one.innerText || one.title || one.labels?.length || one.getAttribute("aria-labelledby");
      return all.filter((one) => !isNamed(one)).map((one) => one.outerHTML);
    });
    assert.deepEqual(nameless, []);
  });
}
