import assert from "node:assert/strict";
import { eventually, scenario } from "../fixture.js";

/** Rows as a person sees them: id, label, whether the row is selected. */
const rows = (page) =>
  page.evaluate(() =>
    [...document.querySelectorAll("table tbody tr")].map((row) => [
      Number(row.querySelector("td.col-md-1").textContent),
      row.querySelector("td.col-md-4 > a").textContent,
      row.classList.contains("danger"),
    ]),
  );

const count = (page) => page.locator("table tbody tr").count();

/** Remembers the rows' nodes, and from now on what changes in the document. */
const remember = (page) =>
  page.evaluate(() => {
    window.nodes = [...document.querySelectorAll("table tbody tr")];
    window.changes?.disconnect();
    window.records = [];
    window.changes = new MutationObserver((records) => window.records.push(...records));
    window.changes.observe(document.documentElement, {
      attributes: true,
      characterData: true,
      childList: true,
      subtree: true,
    });
  });

/** Where each row's node was when they were remembered; -1 for a new one. */
const origins = (page) =>
  page.evaluate(() => {
    const before = new Map(window.nodes.map((node, index) => [node, index]));
    return [...document.querySelectorAll("table tbody tr")].map((row) => before.get(row) ?? -1);
  });

/** What has changed: how many texts and attributes, and how many different nodes came and went. */
const changes = (page) =>
  page.evaluate(() => {
    const records = [...window.records, ...window.changes.takeRecords()];
    const of = (type) => records.filter((record) => record.type === type);
    const nodes = (side) => new Set(of("childList").flatMap((record) => [...record[side]])).size;
    return {
      texts: of("characterData").length,
      attributes: of("attributes").length,
      added: nodes("addedNodes"),
      removed: nodes("removedNodes"),
    };
  });

const range = (from, to) => Array.from({ length: to - from }, (_, index) => from + index);

async function run(page) {
  await page.click("#run");
  await eventually(() => count(page), 1000);
  return rows(page);
}

scenario("create 1,000 rows, and again", async ({ open }) => {
  const page = await open("/rows");
  const first = await run(page);
  assert.deepEqual(first.map(([id]) => id), range(1, 1001));
  for (const [, label, isSelected] of first) {
    assert.match(label, /^[a-z]+ [a-z]+ [a-z]+$/);
    assert(!isSelected);
  }
  assert(new Set(first.map(([, label]) => label)).size > 500, "the labels differ");
  assert(await page.evaluate(() => !!document.querySelector("td.col-md-1 > a > span.glyphicon.glyphicon-remove")));
  await remember(page);
  await page.click("#run");
  await eventually(async () => (await rows(page))[0][0], 1001);
  assert.deepEqual((await rows(page)).map(([id]) => id), range(1001, 2001));
  assert.deepEqual(new Set(await origins(page)), new Set([-1]), "other rows are other nodes");
});

scenario("two tabs with the same clicks show the same rows", async ({ open }) => {
  const [first, second] = [await open("/rows"), await open("/rows")];
  assert.deepEqual(await run(first), await run(second));
});

scenario("create 10,000 rows and clear them", async ({ open }) => {
  const page = await open("/rows");
  await page.click("#runlots");
  await eventually(() => count(page), 10_000);
  assert.deepEqual((await rows(page)).map(([id]) => id), range(1, 10_001));
  await page.click("#clear");
  await eventually(() => count(page), 0);
  assert.equal(await page.locator("table tbody").innerText(), "");
});

scenario("append 1,000 rows: those that are there stay", async ({ open }) => {
  const page = await open("/rows");
  const before = await run(page);
  await remember(page);
  await page.click("#add");
  await eventually(() => count(page), 2000);
  const after = await rows(page);
  assert.deepEqual(after.slice(0, 1000), before);
  assert.deepEqual(after.slice(1000).map(([id]) => id), range(1001, 2001));
  assert.deepEqual(await origins(page), [...range(0, 1000), ...range(1000, 2000).map(() => -1)]);
  const { added, removed, texts, attributes } = await changes(page);
  assert.deepEqual({ added, removed, texts, attributes }, { added: 1000, removed: 0, texts: 0, attributes: 0 });
});

scenario("update every 10th row: only its text is touched", async ({ open }) => {
  const page = await open("/rows");
  const before = await run(page);
  await remember(page);
  await page.click("#update");
  const expected = before.map(([id, label, danger], index) => [id, index % 10 ? label : `${label} !!!`, danger]);
  await eventually(() => rows(page), expected);
  assert.deepEqual(await origins(page), range(0, 1000));
  assert.deepEqual(await changes(page), { texts: 100, attributes: 0, added: 0, removed: 0 });
  await page.click("#update");
  await eventually(async () => (await rows(page))[990][1], `${before[990][1]} !!! !!!`);
});

scenario("select a row, and another: only the two rows' classes change", async ({ open }) => {
  const page = await open("/rows");
  await run(page);
  const selected = async () => (await rows(page)).filter(([, , isSelected]) => isSelected).map(([id]) => id);
  await remember(page);
  await page.click("tbody tr:nth-child(5) td.col-md-4 > a");
  await eventually(selected, [5]);
  assert.deepEqual(await changes(page), { texts: 0, attributes: 1, added: 0, removed: 0 });
  await remember(page);
  await page.click("tbody tr:nth-child(7) td.col-md-4 > a");
  await eventually(selected, [7]);
  assert.deepEqual(await changes(page), { texts: 0, attributes: 2, added: 0, removed: 0 });
  assert.deepEqual(await origins(page), range(0, 1000));
});

scenario("swap rows: exactly two nodes move", async ({ open }) => {
  const page = await open("/rows");
  const before = await run(page);
  await remember(page);
  await page.click("#swaprows");
  const swapped = (list) => list.with(1, list[998]).with(998, list[1]);
  await eventually(() => rows(page), swapped(before));
  assert.deepEqual(await origins(page), swapped(range(0, 1000)), "the same nodes in another order");
  assert.deepEqual(await changes(page), { texts: 0, attributes: 0, added: 2, removed: 2 });
  await page.click("#swaprows");
  await eventually(() => rows(page), before);
  assert.deepEqual(await origins(page), range(0, 1000));
});

scenario("remove a row: one node goes", async ({ open }) => {
  const page = await open("/rows");
  const before = await run(page);
  await remember(page);
  await page.click("tbody tr:nth-child(5) td.col-md-1 > a");
  await eventually(() => count(page), 999);
  assert.deepEqual(await rows(page), before.toSpliced(4, 1));
  assert.deepEqual(await origins(page), range(0, 1000).toSpliced(4, 1));
  assert.deepEqual(await changes(page), { texts: 0, attributes: 0, added: 0, removed: 1 });
  // The row that stands there now is another one, with handlers of its own.
  await page.click("tbody tr:nth-child(5) td.col-md-1 > a");
  await eventually(() => rows(page), before.toSpliced(4, 2));
});

scenario("clear, and fill again", async ({ open }) => {
  const page = await open("/rows");
  await run(page);
  await page.click("tbody tr:nth-child(3) td.col-md-4 > a");
  await page.click("#clear");
  await eventually(() => count(page), 0);
  await page.click("#swaprows");
  await page.click("#update");
  await page.click("#add");
  await eventually(() => count(page), 1000);
  assert.deepEqual((await rows(page)).map(([id]) => id), range(1001, 2001));
});
