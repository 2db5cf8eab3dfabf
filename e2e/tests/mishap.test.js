// Components that panic: one view restarts, the page says so, and nothing else notices.

import assert from "node:assert/strict";
import { eventually, joined, scenario, shows } from "../fixture.js";
import { assertKept, mark } from "../steps.js";

const MESSAGE = "[data-lightspeed-message]";
const PANICS = /panicked at examples\/src\/mishap\.rs/;

/** What the page's views are, in their order. */
const views = (page) => page.locator("lightspeed-view").evaluateAll((views) => views.map((view) => view.className));
const LIVE = ["lightspeed-connected", "lightspeed-connected"];

scenario("a stored component that panics goes on from its last good state", async (stage) => {
  stage.allow(PANICS);
  const page = await stage.open("/mishap");
  await page.click("#stored-inc");
  await page.click("#stored-inc");
  await page.click("#fleeting-inc");
  await shows(page, "#stored-count", "2");
  await shows(page, "#fleeting-count", "1");
  await shows(page, MESSAGE, "");
  await mark(page);

  await page.click("#stored-panic");
  await shows(page, MESSAGE, "Something went wrong on the server; what it was about is undone.");
  assert.equal(await page.locator(MESSAGE).getAttribute("role"), "status");
  await shows(page, "#stored-count", "2");
  await page.click("#stored-inc");
  await page.click("#fleeting-inc");
  await shows(page, "#stored-count", "3");
  await shows(page, "#fleeting-count", "2");
  assert.deepEqual(await views(page), LIVE);
  assert.equal(page.sockets.length, 1);
  await assertKept(page, "#stored-count", "#stored-inc", "#fleeting-count", "#fleeting-inc");
  // Long enough to be read, and no longer.
  await shows(page, MESSAGE, "");
});

scenario("a component that panics and isn't stored starts over, alone", async (stage) => {
  stage.allow(PANICS);
  const page = await stage.open("/mishap");
  await page.click("#stored-inc");
  await page.click("#fleeting-inc");
  await page.click("#fleeting-inc");
  await shows(page, "#fleeting-count", "2");
  await page.locator("#stored-inc").focus();
  await mark(page);

  await page.locator("#fleeting-panic").evaluate((button) => button.click());
  await shows(page, MESSAGE, "The component panicked.");
  await shows(page, "#fleeting-count", "0");
  await eventually(() => views(page), LIVE);
  assert.equal(await page.evaluate(() => document.activeElement.id), "stored-inc");
  await page.click("#fleeting-inc");
  await page.click("#stored-inc");
  await shows(page, "#fleeting-count", "1");
  await shows(page, "#stored-count", "2");
  assert.equal(page.sockets.length, 1, "the other one kept its socket");
  await assertKept(page, "#stored-count", "#stored-inc", "lightspeed-view");
});

scenario("clicks around the one that panics count, and a person can try as often as they like", async (stage) => {
  stage.allow(PANICS);
  const page = await stage.open("/mishap");
  await mark(page);
  for (let round = 1; round <= 2; round++) {
    await page.evaluate(() => {
      for (const id of ["inc", "inc", "panic", "inc"]) document.querySelector(`#stored-${id}`).click();
    });
    await shows(page, "#stored-count", `${3 * round}`);
  }
  await assertKept(page, "#stored-count", "#stored-inc", "#fleeting-count");
  await joined(page);
});
