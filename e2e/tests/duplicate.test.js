// One page, twice: browsers duplicate a tab out of their cache, with the very HTML and its token.

import assert from "node:assert/strict";
import { eventually, joined, scenario, shows } from "../fixture.js";
import { CONNECTION_FAULTS, proxy } from "../proxy.js";
import { addContact, assertKept, lost, mark } from "../steps.js";

/** A page that is made now and shown twice: the first two visits of `path` get it. */
async function twice(stage, path) {
  const link = await proxy(stage);
  const url = `${link.url}${path}`;
  const html = Buffer.from(await (await fetch(url)).arrayBuffer());
  const head = "HTTP/1.1 200 OK\r\ncontent-type: text/html; charset=utf-8\r\nconnection: close\r\n";
  const made = { link, url, visits: 0 };
  link.answer = (request) => {
    if (!request.toString("latin1").startsWith(`GET ${path} `)) return;
    // The third time is when a client asks for a new token.
    if (++made.visits > 2) return;
    return Buffer.concat([Buffer.from(`${head}content-length: ${html.length}\r\n\r\n`), html]);
  };
  return made;
}

const session = (page) => page.locator("lightspeed-view").getAttribute("data-session");
const isLive = async (page) =>
  (await page.locator("lightspeed-view").getAttribute("class")) === "lightspeed-connected";

scenario("a duplicated tab becomes a session of its own, and the first one never notices", async (stage) => {
  const { url } = await twice(stage, "/counter");
  const first = await stage.open(url);
  await first.click("#inc");
  await first.click("#inc");
  await shows(first, "#count", "2");
  await mark(first);

  const second = await stage.open(url, { context: first.context() });
  assert.equal(await session(second), await session(first), "the very same page");
  await shows(second, "#count", "0");
  await second.click("#dec");
  await shows(second, "#count", "-1");
  await first.click("#inc");
  await shows(first, "#count", "3");
  await second.click("#dec");
  await shows(second, "#count", "-2");
  assert((await isLive(first)) && (await isLive(second)));
  assert.equal(first.sockets.length, 1, "its socket was never touched");
  await assertKept(first, "#count", "#inc");
});

scenario("a tab that is duplicated while its connection is lost finds its session when it is back", async (stage) => {
  stage.allow(CONNECTION_FAULTS);
  const { url, link } = await twice(stage, "/contacts");
  const first = await stage.open(url);
  await addContact(first, "Ada", "ada@example.com");
  await first.locator("#new-name").pressSequentially("Grace");
  await mark(first);
  await first.context().setOffline(true);
  link.cut();
  await lost(first);
  link.mend();
  const second = await stage.open(url);
  assert.equal(await session(second), await session(first), "the very same page");
  await shows(second, "#contacts .name", "Ada");
  await second.locator("#search").pressSequentially("nobody");
  await shows(second, "#empty", "Nobody was found.");
  await first.context().setOffline(false);
  await joined(first);
  await shows(first, "#contacts .name", "Ada");
  assert.equal(await first.inputValue("#search"), "");
  await first.fill("#new-email", "grace@example.com");
  await first.press("#new-email", "Enter");
  await shows(first, "#contacts .name", ["Ada", "Grace"]);
  await assertKept(first, "#new-name", "#search", "#contacts li:first-child");
});

scenario("two tabs with one page that join at the same moment: each has a session of its own", async (stage) => {
  const made = await twice(stage, "/counter");
  let release;
  const released = new Promise((resolve) => (release = resolve));
  const prepare = (page) => page.route("**/client.wasm", (route) => released.then(() => route.continue()));
  const pages = [];
  for (let tab = 0; tab < 2; tab++) {
    const page = await stage.visit(made.url, { context: pages[0]?.context(), prepare });
    await page.locator("html.lightspeed-connecting").waitFor({ state: "attached" });
    pages.push(page);
  }
  assert.equal(await session(pages[0]), await session(pages[1]), "the very same page");
  release();
  // One of them takes the session from the other, which then gets another.
  const [first, second] = pages;
  await eventually(() => made.visits, 3);
  await eventually(async () => (await isLive(first)) && (await isLive(second)), true);
  for (let count = 1; count <= 3; count++) {
    await first.click("#inc");
    await shows(first, "#count", `${count}`);
    await second.click("#dec");
    await shows(second, "#count", `${-count}`);
  }
});
