import assert from "node:assert/strict";
import { eventually, scenario, shows } from "../fixture.js";
import { CONNECTION_FAULTS, proxy } from "../proxy.js";
import { lost } from "../steps.js";

const ROWS = 100_000;

/** The rows that a person sees in the box: number and square. */
const seen = (page) =>
  page.evaluate(() => {
    const box = document.querySelector("#table").getBoundingClientRect();
    return [...document.querySelectorAll("#table .row")]
      .filter((row) => {
        const { top, bottom } = row.getBoundingClientRect();
        return bottom > box.top + 1 && top < box.bottom - 1;
      })
      .map((row) => [...row.querySelectorAll("[role=cell]")].slice(0, 2).map((cell) => Number(cell.textContent)));
  });

/** What rows should be seen, by where the box is scrolled to. */
const expected = (page) =>
  page.evaluate((count) => {
    const box = document.querySelector("#table");
    const [first, last] = [Math.floor((box.scrollTop + 1) / 32), Math.ceil((box.scrollTop + box.clientHeight - 1) / 32)];
    return Array.from({ length: Math.min(last, count) - first }, (_, index) => [first + index + 1, (first + index + 1) ** 2]);
  }, ROWS);

const settles = async (page) => {
  await eventually(async () => JSON.stringify(await seen(page)) === JSON.stringify(await expected(page)), true);
  assert.ok((await seen(page)).length > 5);
};

const held = (page) => page.locator("#table .row").count();

const scrollTo = (page, top) => page.evaluate((top) => (document.querySelector("#table").scrollTop = top), top);

scenario("100,000 rows: the middle and the end are right, and few nodes are held", async ({ open }) => {
  const page = await open("/viewport");
  assert.equal(await page.evaluate(() => document.querySelector("#table").scrollHeight), ROWS * 32);
  await settles(page);
  for (const top of [50_000 * 32, ROWS * 32, 40, 12_345 * 32 + 7, 0]) {
    await scrollTo(page, top);
    await settles(page);
    assert.ok((await held(page)) < 150, `${await held(page)} rows are held`);
    assert.ok((await page.evaluate(() => document.querySelectorAll("*").length)) < 900);
  }
  await scrollTo(page, ROWS * 32);
  await settles(page);
  assert.deepEqual((await seen(page)).at(-1), [ROWS, ROWS ** 2]);
  assert.equal(await page.getAttribute("#table .row:last-of-type", "aria-rowindex"), `${ROWS}`);
  assert.equal(await page.getAttribute("#table", "aria-rowcount"), `${ROWS}`);
});

scenario("rows scroll step by step, and what is marked stays marked", async ({ open }) => {
  const page = await open("/viewport");
  await page.evaluate(async () => {
    const box = document.querySelector("#table");
    for (let step = 0; step < 100; step++) {
      box.scrollTop += 97;
      await new Promise((resolve) => requestAnimationFrame(resolve));
    }
  });
  await settles(page);
  const [number] = (await seen(page))[3];
  await page.click(`#table [aria-rowindex="${number}"] button`);
  await shows(page, "#marked", "1");
  await scrollTo(page, 0);
  await settles(page);
  await page.click('#table [aria-rowindex="2"] button');
  await shows(page, "#marked", "2");
  await scrollTo(page, (number - 2) * 32);
  await settles(page);
  assert.ok(await page.locator(`#table [aria-rowindex="${number}"]`).evaluate((row) => row.classList.contains("marked")));
});

scenario("the keyboard scrolls it", async ({ open }) => {
  const page = await open("/viewport");
  await page.locator("#table").focus();
  await page.keyboard.press("PageDown");
  await eventually(() => page.evaluate(() => document.querySelector("#table").scrollTop > 100), true);
  await settles(page);
  await page.keyboard.press("End");
  await eventually(async () => (await seen(page)).at(-1)?.[0], ROWS);
  await page.keyboard.press("Home");
  await eventually(async () => (await seen(page))[0]?.[0], 1);
  await settles(page);
});

scenario("what is scrolled to while the page is away comes when it is back", async (stage) => {
  stage.allow(CONNECTION_FAULTS);
  const link = await proxy(stage);
  const page = await stage.open(`${link.url}/viewport`);
  await settles(page);
  link.cut();
  await lost(page);
  await scrollTo(page, 70_000 * 32);
  link.mend();
  await settles(page);
});

scenario("the head preloads the module of the box, and that of a page without one names none", async ({ open }) => {
  const modules = (page) =>
    page.evaluate(() => [...document.head.querySelectorAll("link[rel=modulepreload]")].map(({ href }) => href.split("/").at(-1)));
  assert.deepEqual(await modules(await open("/viewport")), ["client.js", "viewport.js"]);
  const counter = await open("/counter");
  assert.deepEqual(await modules(counter), ["client.js"]);
  const loaded = await counter.evaluate(() => performance.getEntriesByType("resource").map(({ name }) => name.split("/").at(-1)));
  for (const feature of ["viewport.js", "inflate.js", "why.js"]) assert.ok(!loaded.includes(feature), `${loaded}`);
});
