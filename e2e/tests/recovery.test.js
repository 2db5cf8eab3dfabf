// Connections are lost, servers end: pages go on by themselves.

import assert from "node:assert/strict";
import { eventually, joined, scenario, screenshot, shows } from "../fixture.js";
import { CONNECTION_FAULTS, proxy } from "../proxy.js";
import { lost } from "../steps.js";

scenario("a server that is killed and started again: the page recovers by itself", async (stage) => {
  stage.allow(CONNECTION_FAULTS);
  const page = await stage.open("/counter");
  await page.evaluate(() => (window.count = document.querySelector("#count")));
  await page.click("#inc");
  await page.click("#inc");
  await shows(page, "#count", "2");
  const { port } = stage.gallery;
  await stage.gallery.kill();
  await lost(page);
  await page.locator(".when-disconnected").waitFor({ state: "visible" });
  await page.locator(".when-disconnected").evaluate((line) => line.getAnimations()[0]?.finished);
  await page.screenshot({ path: screenshot("disconnected") });
  await page.click("#inc");
  await stage.start({ port });
  await joined(page);
  // The click that was made meanwhile counts too.
  await shows(page, "#count", "3");
  await page.click("#inc");
  await shows(page, "#count", "4");
  assert(await page.evaluate(() => window.count === document.querySelector("#count")), "the very same document");
  await page.locator(".when-disconnected").waitFor({ state: "hidden" });
});

scenario("a server that ends in peace and is started again: the same", async (stage) => {
  stage.allow(CONNECTION_FAULTS);
  const page = await stage.open("/counter");
  await page.evaluate(() => (window.count = document.querySelector("#count")));
  await page.click("#inc");
  await shows(page, "#count", "1");
  const { port } = stage.gallery;
  assert.deepEqual(await stage.gallery.stop(), { code: 0, signal: null });
  await lost(page);
  await stage.start({ port });
  await joined(page);
  await page.click("#inc");
  await shows(page, "#count", "2");
  assert(await page.evaluate(() => window.count === document.querySelector("#count")), "the very same document");
});

scenario("a page with two components recovers with both", async (stage) => {
  stage.allow(CONNECTION_FAULTS);
  const page = await stage.open("/embed");
  await page.getByRole("button", { name: "More Croissant" }).click();
  await shows(page, "#total", "€ 1.80");
  const { port } = stage.gallery;
  await stage.gallery.kill();
  await lost(page);
  await stage.start({ port });
  await joined(page);
  // The cart is stored; the poll, which is not, begins anew.
  await shows(page, "#total", "€ 1.80");
  await page.getByRole("button", { name: "More Rye bread" }).click();
  await shows(page, "#total", "€ 6.00");
  await page.getByRole("button", { name: "Lemon" }).click();
  await eventually(() => page.getByLabel("Votes for Lemon").innerText(), "1");
});

scenario("what is typed while the server is away stays", async (stage) => {
  stage.allow(CONNECTION_FAULTS);
  const page = await stage.open("/contacts");
  await page.fill("#new-name", "Ada Lovelace");
  const { port } = stage.gallery;
  await stage.gallery.kill();
  await lost(page);
  await page.fill("#new-email", "ada@example.com");
  await stage.start({ port });
  await joined(page);
  assert.equal(await page.inputValue("#new-name"), "Ada Lovelace");
  assert.equal(await page.inputValue("#new-email"), "ada@example.com");
  assert.equal(await page.evaluate(() => document.activeElement.id), "new-email");
  await page.press("#new-email", "Enter");
  await shows(page, "#contacts .name", ["Ada Lovelace"]);
});

scenario("a socket that is cut: state stays, and clicks made meanwhile arrive once", async (stage) => {
  stage.allow(CONNECTION_FAULTS);
  const link = await proxy(stage);
  const page = await stage.open(`${link.url}/counter`);
  await page.evaluate(() => (window.count = document.querySelector("#count")));
  await page.click("#inc");
  await shows(page, "#count", "1");
  link.cut();
  await lost(page);
  for (let click = 0; click < 3; click++) await page.click("#inc");
  await page.click("#dec");
  await shows(page, "#count", "1");
  link.mend();
  await joined(page);
  await shows(page, "#count", "3");
  assert(await page.evaluate(() => window.count === document.querySelector("#count")), "the same node");
  // Nothing comes late: the next click counts from there.
  await page.click("#inc");
  await shows(page, "#count", "4");
});

scenario("clicks that arrived and whose answers were lost count once", async (stage) => {
  stage.allow(CONNECTION_FAULTS);
  const link = await proxy(stage);
  const page = await stage.open(`${link.url}/counter`);
  link.losesAnswers = true;
  const bytesUp = link.bytesUp;
  await page.click("#inc");
  await page.click("#inc");
  // Two frames of at least eight bytes have left.
  await eventually(async () => link.bytesUp > bytesUp + 16, true);
  link.cut();
  await lost(page);
  await page.click("#inc");
  link.mend();
  await joined(page);
  await shows(page, "#count", "3");
  await page.click("#inc");
  await shows(page, "#count", "4");
});

scenario("rows that change while the socket is away are the same nodes after it", async (stage) => {
  stage.allow(CONNECTION_FAULTS);
  const link = await proxy(stage);
  const page = await stage.open(`${link.url}/rows`);
  await page.click("#run");
  await eventually(() => page.locator("tbody tr").count(), 1000);
  await page.evaluate(() => (window.nodes = [...document.querySelectorAll("tbody tr")]));
  link.cut();
  await lost(page);
  await page.click("#swaprows");
  await page.click("#update");
  link.mend();
  await eventually(
    () =>
      page.evaluate(() => {
        const rows = [...document.querySelectorAll("tbody tr")];
        const isSwapped = rows[1] === window.nodes[998] && rows[998] === window.nodes[1];
        return [rows.length, isSwapped, rows[0] === window.nodes[0], rows[0].innerText.includes("!!!")];
      }),
    [1000, true, true, true],
  );
});

scenario("answers that come late undo nothing that was typed since", async (stage) => {
  const link = await proxy(stage);
  const page = await stage.open(`${link.url}/contacts`);
  link.delayMs = 250;
  const answers = () => page.sockets[0].received.length;
  const before = answers();
  // Slower than the answers to the first letters come, and faster than all of them have.
  await page.locator("#search").pressSequentially("nobody of that name", { delay: 30 });
  assert(answers() > before, "some answers came while the person was typing");
  await shows(page, "#empty", "Nobody was found.");
  const box = await page.locator("#search").evaluate((field) => [field.value, field.selectionStart]);
  assert.deepEqual(box, ["nobody of that name", 19]);
});
