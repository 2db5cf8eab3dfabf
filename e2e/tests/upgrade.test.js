// Another build takes the server's place: with other state to store, or with another protocol.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { brotliDecompressSync } from "node:zlib";
import { eventually, joined, scenario, screenshot, shows } from "../fixture.js";
import { CONNECTION_FAULTS } from "../proxy.js";
import { addContact, assertKept, lost, mark, whereabouts } from "../steps.js";

const PHONE = { viewport: { width: 390, height: 844 } };
const names = (page) => page.locator("#contacts .name").allInnerTexts();

/** The next build takes over, by force or in peace. */
async function replace(stage, end, pages) {
  const { port } = stage.gallery;
  await stage.gallery[end]();
  await Promise.all(pages.map(lost));
  return () => stage.start({ port, name: "gallery-next" });
}

for (const end of ["stop", "kill"]) {
  scenario(`a build with another schema takes over (${end}): everything is as before`, async (stage) => {
    stage.allow(CONNECTION_FAULTS);
    const counter = await stage.open("/counter");
    await counter.click("#inc");
    await counter.click("#inc");
    await shows(counter, "#count", "2");
    const book = await stage.open("/contacts", PHONE);
    const people = ["Ada", "Barbara", "Edsger", "Frances", "Hedy", "Kathleen", "Lynn", "Margaret"];
    for (const name of people) await addContact(book, name, `${name}@example.com`);
    await book.fill("#new-email", "grace@example.com");
    await book.locator("#new-name").pressSequentially("Grace Hopper");
    await book.locator("#new-name").evaluate((field) => field.setSelectionRange(2, 5));
    await book.evaluate(() => window.scrollTo(0, 120));
    const before = await whereabouts(book);
    assert.deepEqual(before, { id: "new-name", value: "Grace Hopper", caret: [2, 5], scroll: 120 });
    for (const page of [counter, book]) await mark(page);

    const start = await replace(stage, end, [counter, book]);
    await counter.click("#inc");
    await start();
    await Promise.all([joined(counter), joined(book)]);

    // Its page is the same, so its document is: nothing is sent but the click that was made meanwhile.
    await shows(counter, "#count", "3");
    await counter.click("#inc");
    await shows(counter, "#count", "4");
    await assertKept(counter, "#count", "#inc", "#dec");
    // This one shows what it now stores: the document is another, and what the person has is put into it.
    await shows(book, "#step", "Steps of this build: 0");
    assert.deepEqual(await names(book), people);
    assert.deepEqual(await whereabouts(book), before);
    assert.equal(await book.inputValue("#new-email"), "grace@example.com");
    await assertKept(book);
    await book.keyboard.press("Enter");
    await eventually(() => names(book), [...people, "Grace Hopper"].toSorted());
    // A form that is submitted, stored, and looked up.
    await shows(book, "#step", "Steps of this build: 3");

    // What is stored now has the new schema, and outlives this build as well.
    const { port } = stage.gallery;
    await stage.gallery.kill();
    await Promise.all([lost(counter), lost(book)]);
    await mark(book);
    await stage.start({ port, name: "gallery-next" });
    await Promise.all([joined(counter), joined(book)]);
    await counter.click("#inc");
    await shows(counter, "#count", "5");
    await assertKept(counter, "#count", "#inc", "#dec");
    await assertKept(book, "#new-name", "#contacts li:first-child", "#step");
    assert.equal((await names(book)).length, people.length + 1);
  });
}

/** How a page gets a client of another protocol, until `isNew` is set in `state` and in the page. */
const CLIENTS = {
  // As it was shipped with version 1, whose frames have other fields.
  older: async (page, state) => {
    for (const [file, type] of [["client.js", "text/javascript"], ["client.wasm", "application/wasm"]]) {
      const body = brotliDecompressSync(readFileSync(new URL(`../clients/protocol-1/${file}.br`, import.meta.url)));
      await page.route(`**/${file}`, (route) =>
        state.isNew ? route.continue() : route.fulfill({ contentType: type, body }),
      );
    }
  },
  // As when a server is taken back: this one, but for what its hello says.
  newer: (page) =>
    page.addInitScript(() => {
      if (localStorage.isNew) return;
      const { send } = WebSocket.prototype;
      WebSocket.prototype.send = function (bytes) {
        // A hello is `[0, 0, protocol, ..]`.
        const frame = new Uint8Array(bytes).slice();
        if (frame[1] === 0 && frame[2] === 0) frame[3]++;
        return send.call(this, frame);
      };
    }),
};

for (const [age, takeOver] of Object.entries(CLIENTS)) {
  scenario(`another protocol, the client's is ${age}: the page stays and asks to be loaded again`, async (stage) => {
    stage.allow(/ended: This page is of another version than its server/);
    const state = { isNew: false };
    const page = await stage.visit("/contacts", { prepare: (page) => takeOver(page, state) });
    await page.locator("html.lightspeed-failed").waitFor({ state: "attached" });
    assert.equal(await page.locator("lightspeed-view").getAttribute("class"), "lightspeed-failed");
    await shows(page, ".when-failed", "This page has ended. Load it again to go on.");
    if (age === "newer") {
      const message = "This page is of another version than its server. Please load it again.";
      await shows(page, "[data-lightspeed-message]", message);
      await page.screenshot({ path: screenshot("other-version") });
    }
    // The page is what the server rendered, and can be read and typed into.
    await shows(page, "#empty", "Nobody is in the list yet.");
    await page.fill("#new-name", "Ada");
    assert.equal(await page.inputValue("#new-name"), "Ada");
    assert.equal(page.sockets.length, 1, "it doesn't try again");
    // By now the browser gets the client that fits.
    state.isNew = true;
    await page.evaluate(() => (localStorage.isNew = true));
    await page.getByRole("link", { name: "Load it again" }).click();
    await joined(page);
    await addContact(page, "Ada", "ada@example.com");
  });
}
