import assert from "node:assert/strict";
import { scenario, shows } from "../fixture.js";

scenario("the counter goes up and down", async ({ open }) => {
  const page = await open("/counter");
  await shows(page, "#count", "0");
  for (let count = 1; count <= 3; count++) {
    await page.click("#inc");
    await shows(page, "#count", `${count}`);
  }
  for (let count = 2; count >= -2; count--) {
    await page.click("#dec");
    await shows(page, "#count", `${count}`);
  }
});

scenario("quick clicks all count", async ({ open }) => {
  const page = await open("/counter");
  await page.evaluate(() => {
    for (let click = 0; click < 200; click++) document.querySelector("#inc").click();
  });
  await shows(page, "#count", "200");
});

scenario("a click changes one text and nothing else", async ({ open }) => {
  const page = await open("/counter");
  await page.evaluate(() => {
    window.changes = [];
    new MutationObserver((records) => window.changes.push(...records.map((record) => record.type))).observe(
      document.documentElement,
      { attributes: true, characterData: true, childList: true, subtree: true },
    );
  });
  await page.click("#inc");
  await shows(page, "#count", "1");
  assert.deepEqual(await page.evaluate(() => window.changes), ["characterData"]);
});

scenario("two tabs are independent", async ({ open }) => {
  const first = await open("/counter");
  const second = await open("/counter", { context: first.context() });
  await first.click("#inc");
  await first.click("#inc");
  await second.click("#dec");
  await shows(first, "#count", "2");
  await shows(second, "#count", "-1");
});

scenario("the counter works from the keyboard", async ({ open }) => {
  const page = await open("/counter");
  await page.locator("#dec").focus();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Space");
  await shows(page, "#count", "2");
});
