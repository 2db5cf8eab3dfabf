// One page, twice: browsers duplicate a tab out of their cache, with the very HTML and its token.

import assert from "node:assert/strict";
import { joined, scenario, shows } from "../fixture.js";
import { addContact, assertKept, mark } from "../steps.js";

/** The HTML of a page; `prepare` has a tab get it in place of its own, once. */
async function copyOf(page, url) {
  const response = await page.request.get(url);
  const [headers, body] = [response.headers(), await response.text()];
  // The next time is when the client asks for a new token.
  return (tab) => tab.route(url, (route) => route.fulfill({ headers, body }), { times: 1 });
}

const session = (page) => page.locator("lightspeed-view").getAttribute("data-session");
const views = (page) => page.locator("lightspeed-view").getAttribute("class");

scenario("a duplicated tab becomes a session of its own, and the first one never notices", async (stage) => {
  const blank = await stage.visit("/");
  const context = blank.context();
  const prepare = await copyOf(blank, `${stage.gallery.url}/counter`);
  const first = await stage.open("/counter", { context, prepare });
  await first.click("#inc");
  await first.click("#inc");
  await shows(first, "#count", "2");
  await mark(first);

  const second = await stage.open("/counter", { context, prepare });
  assert.equal(await session(second), await session(first), "the very same page");
  await shows(second, "#count", "0");
  await second.click("#dec");
  await shows(second, "#count", "-1");
  await first.click("#inc");
  await shows(first, "#count", "3");
  await second.click("#dec");
  await shows(second, "#count", "-2");
  for (const page of [first, second]) assert.equal(await views(page), "lightspeed-connected");
  assert.equal(first.sockets.length, 1, "its socket was never touched");
  await assertKept(first, "#count", "#inc");
});

scenario("a tab that is duplicated while its connection is lost finds its session when it is back", async (stage) => {
  const blank = await stage.visit("/");
  const prepare = await copyOf(blank, `${stage.gallery.url}/contacts`);
  const first = await stage.open("/contacts", { context: blank.context(), prepare });
  await addContact(first, "Ada", "ada@example.com");
  await first.locator("#new-name").pressSequentially("Grace");
  await mark(first);
  stage.allow(/ERR_INTERNET_DISCONNECTED/);
  await first.evaluate(() => dispatchEvent(new PageTransitionEvent("pagehide")));
  const second = await stage.open("/contacts", { context: blank.context(), prepare });
  await shows(second, "#contacts .name", "Ada");
  await second.locator("#search").pressSequentially("nobody");
  await shows(second, "#empty", "Nobody was found.");
  await first.evaluate(() => dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true })));
  await joined(first);
  await shows(first, "#contacts .name", "Ada");
  assert.equal(await first.inputValue("#search"), "");
  await first.fill("#new-email", "grace@example.com");
  await first.press("#new-email", "Enter");
  await shows(first, "#contacts .name", ["Ada", "Grace"]);
  await assertKept(first, "#new-name", "#search", "#contacts li:first-child");
});

scenario("two tabs with one page that join at the same moment: one has it, and no click is counted twice", async (stage) => {
  stage.allow(/session 1 has ended/);
  const blank = await stage.visit("/");
  const copy = await copyOf(blank, `${stage.gallery.url}/counter`);
  let release;
  const released = new Promise((resolve) => (release = resolve));
  const prepare = async (page) => {
    await copy(page);
    await page.route("**/client.wasm", (route) => released.then(() => route.continue()));
  };
  const pages = [];
  for (let tab = 0; tab < 2; tab++) {
    const page = await stage.visit("/counter", { context: blank.context(), prepare });
    await page.locator("html.lightspeed-connecting").waitFor({ state: "attached" });
    pages.push(page);
  }
  release();
  const ends = await Promise.all(
    pages.map(async (page) => {
      await page.locator("html.lightspeed-connected, html.lightspeed-failed").waitFor({ state: "attached" });
      return page;
    }),
  );
  for (const page of ends) console.log(await views(page), await page.locator("[data-lightspeed-message]").innerText(), await page.locator(".status").innerText());
});
