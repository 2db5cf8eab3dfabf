// A page, its network, its browser or its server is away for a while: it goes on as if it had not been.

import assert from "node:assert/strict";
import { describe } from "node:test";
import { eventually, joined, plainBrowser, scenario, shows } from "../fixture.js";
import { CONNECTION_FAULTS, proxy } from "../proxy.js";
import { addContact, assertKept, lost, mark, pause, whereabouts } from "../steps.js";

const PHONE = { viewport: { width: 390, height: 844 } };
const names = (page) => page.locator("#contacts .name").allInnerTexts();

/** Longer than either side waits for a sign of life. */
const OVER_SILENCE_MS = 33_000;

const click = async (page, selector, times) => {
  for (let count = 0; count < times; count++) await page.click(selector);
};

// Most of each is waiting, so they wait together.
describe("half a minute away", { concurrency: true }, () => {
  scenario("offline: what was done meanwhile arrives once, and nothing that the person has is lost", async (stage) => {
    stage.allow(CONNECTION_FAULTS);
    const link = await proxy(stage);
    const book = await stage.open(`${link.url}/contacts`, PHONE);
    const context = book.context();
    const people = ["Ada", "Barbara", "Edsger", "Frances", "Hedy", "Kathleen", "Lynn", "Margaret"];
    for (const name of people) await addContact(book, name, `${name}@example.com`);
    const counter = await stage.open(`${link.url}/counter`, { context });
    await counter.click("#inc");
    await shows(counter, "#count", "1");
    for (const page of [book, counter]) await mark(page);

    await context.setOffline(true);
    link.cut();
    await Promise.all([lost(book), lost(counter)]);
    const back = pause(30_000);
    await click(counter, "#inc", 7);
    await click(counter, "#dec", 2);
    await book.fill("#new-name", "Grace");
    await book.fill("#new-email", "grace@example.com");
    await book.press("#new-email", "Enter");
    // The next one is half typed when the network is back, far down a page that was scrolled.
    await book.fill("#new-name", "");
    await book.locator("#new-name").pressSequentially("Radia Perlman");
    await book.locator("#new-name").evaluate((field) => field.setSelectionRange(5, 5));
    await book.evaluate(() => window.scrollTo(0, 120));
    const before = await whereabouts(book);
    assert.deepEqual(before, { id: "new-name", value: "Radia Perlman", caret: [5, 5], scroll: 120 });
    assert.deepEqual(await names(book), people, "nothing is shown that the server doesn't know");
    await back;
    await book.keyboard.type(" Joy");
    await counter.click("#inc");
    await shows(counter, "#count", "1");

    link.mend();
    await context.setOffline(false);
    const online = Date.now();
    await Promise.all([joined(book), joined(counter)]);
    assert(Date.now() - online < 3_000, "a browser that comes online connects at once");
    await shows(counter, "#count", "7");
    await eventually(() => names(book), [...people, "Grace"].toSorted());
    await shows(book, "#notice", "Grace is in the list.");
    assert.deepEqual(await whereabouts(book), { ...before, value: "Radia Joy Perlman", caret: [9, 9] });
    await assertKept(book, "#new-name", "#new-email", "#search", "#contacts", "#contacts li:first-child", "#contacts li:last-child");
    await assertKept(counter, "#count", "#inc");
    // Nothing comes late, and the pages are live.
    await counter.click("#inc");
    await shows(counter, "#count", "8");
    await book.fill("#new-email", "radia@example.com");
    await book.press("#new-email", "Enter");
    await eventually(() => names(book), [...people, "Grace", "Radia Joy Perlman"].toSorted());
    assert.equal((await names(await stage.open("/contacts"))).length, people.length + 2, "each of them once");
  });

  scenario("a network that loses everything and says nothing: the same", async (stage) => {
    stage.allow(CONNECTION_FAULTS);
    const link = await proxy(stage);
    const page = await stage.open(`${link.url}/counter`);
    await page.click("#inc");
    await shows(page, "#count", "1");
    await mark(page);
    link.losesAll = true;
    await click(page, "#inc", 5);
    assert.match(await page.locator("html").getAttribute("class"), /lightspeed-connected/, "how should it know?");
    // Neither side hears of the other until both have given the socket up.
    await pause(OVER_SILENCE_MS);
    await lost(page);
    await click(page, "#inc", 2);
    link.cut();
    link.mend();
    await joined(page);
    await shows(page, "#count", "8");
    await page.click("#dec");
    await shows(page, "#count", "7");
    await assertKept(page, "#count", "#inc");
  });

  scenario("a server that stands still: it goes on where it was", async (stage) => {
    stage.allow(CONNECTION_FAULTS);
    const page = await stage.open("/counter");
    await page.click("#inc");
    await shows(page, "#count", "1");
    await mark(page);
    await stage.gallery.freeze();
    await click(page, "#inc", 3);
    await pause(OVER_SILENCE_MS);
    await lost(page);
    await click(page, "#inc", 2);
    await shows(page, "#count", "1");
    stage.gallery.thaw();
    await joined(page);
    await shows(page, "#count", "6");
    await page.click("#inc");
    await shows(page, "#count", "7");
    await assertKept(page, "#count", "#inc");
  });

  scenario("a laptop that sleeps: its pages go on when it wakes", async (stage) => {
    stage.allow(CONNECTION_FAULTS);
    const { context, signal } = await plainBrowser(stage);
    const page = await stage.open("/counter", { context });
    await page.click("#inc");
    await shows(page, "#count", "1");
    await page.evaluate(() => {
      window.ticks = [performance.now()];
      setInterval(() => window.ticks.push(performance.now()), 100);
    });
    await mark(page);
    // On its way when everything stops.
    await page.evaluate(() => document.querySelector("#inc").click());
    signal("SIGSTOP");
    await pause(OVER_SILENCE_MS);
    const { log } = stage.gallery;
    signal("SIGCONT");
    assert.match(log, /silent/, "the server has let go of it");
    await page.evaluate(() => document.querySelector("#inc").click());
    await shows(page, "#count", "3");
    await joined(page);
    await page.click("#inc");
    await shows(page, "#count", "4");
    const jump = await page.evaluate(() =>
      Math.max(...window.ticks.map((tick, index) => tick - (window.ticks[index - 1] ?? tick))),
    );
    assert(jump > OVER_SILENCE_MS - 2_000, `the page has slept: ${jump} ms`);
    assert.equal(page.sockets.length, 2, "one before and one after");
    await assertKept(page, "#count", "#inc");
  });
});

/** A page in a browser of its own, and a tab that stands before it. */
async function covered(stage, path) {
  const { context } = await plainBrowser(stage);
  const page = await stage.open(path, { context });
  const devtools = await context.newCDPSession(page);
  const other = await context.newPage();
  const front = async (tab, isHidden) => {
    await tab.bringToFront();
    await eventually(() => page.evaluate(() => document.hidden), isHidden);
  };
  await front(page, false);
  return {
    page,
    hide: () => front(other, true),
    show: () => front(page, false),
    freeze: () => devtools.send("Page.setWebLifecycleState", { state: "frozen" }),
    thaw: () => devtools.send("Page.setWebLifecycleState", { state: "active" }),
  };
}

scenario("a tab that is hidden and shown: its socket and its document stay", async (stage) => {
  const { page, hide, show } = await covered(stage, "/counter");
  await page.click("#inc");
  await shows(page, "#count", "1");
  await mark(page);
  for (let count = 2; count <= 4; count++) {
    await hide();
    await pause(500);
    await show();
    await page.click("#inc");
    await shows(page, "#count", `${count}`);
  }
  assert.equal(page.sockets.length, 1);
  await assertKept(page, "#count", "#inc");
});

scenario("a hidden tab whose connection is lost: it is back when it is shown", async (stage) => {
  stage.allow(CONNECTION_FAULTS);
  const link = await proxy(stage);
  const { page, hide, show } = await covered(stage, `${link.url}/contacts`);
  await addContact(page, "Ada", "ada@example.com");
  await page.locator("#new-name").pressSequentially("Grace");
  await mark(page);
  await hide();
  link.cut();
  await lost(page);
  // By now it waits for up to five seconds between its attempts.
  await pause(4_000);
  link.mend();
  const before = Date.now();
  await show();
  await joined(page);
  assert(Date.now() - before < 3_000, "there is no point in waiting any longer");
  assert.deepEqual(await whereabouts(page), { id: "new-name", value: "Grace", caret: [5, 5], scroll: 0 });
  await page.fill("#new-email", "grace@example.com");
  await page.press("#new-email", "Enter");
  await eventually(() => names(page), ["Ada", "Grace"]);
  await assertKept(page, "#new-name", "#search", "#contacts li:first-child");
});

scenario("a tab that is frozen while its server is replaced: it goes on when it is thawed", async (stage) => {
  stage.allow(CONNECTION_FAULTS);
  const { page, hide, show, freeze, thaw } = await covered(stage, "/counter");
  await page.evaluate(() => {
    window.lifecycle = [];
    for (const type of ["freeze", "resume"]) document.addEventListener(type, () => window.lifecycle.push(type));
  });
  await page.click("#inc");
  await shows(page, "#count", "1");
  await mark(page);
  await hide();
  await page.evaluate(() => document.querySelector("#inc").click());
  await freeze();
  const { port } = stage.gallery;
  await stage.gallery.kill();
  await stage.start({ port });
  await pause(2_000);
  assert.deepEqual(await page.evaluate(() => window.lifecycle), ["freeze"]);
  await thaw();
  await show();
  await eventually(() => page.sockets.length, 2);
  await joined(page);
  await shows(page, "#count", "2");
  await page.click("#inc");
  await shows(page, "#count", "3");
  assert.deepEqual(await page.evaluate(() => window.lifecycle), ["freeze", "resume"]);
  await assertKept(page, "#count", "#inc");
});

/** Has the page tell how it was shown: true when the browser had kept it. */
const tellShown = (page) =>
  page.addInitScript(() => {
    window.shown = [];
    addEventListener("pageshow", (event) => window.shown.push(event.persisted));
  });
// A page out of the cache is loaded already.
const goBack = (page) => page.goBack({ waitUntil: "commit" });
const shown = (page) => page.evaluate(() => window.shown);

scenario("the back button, where the browser has kept the page: the session goes on", async (stage) => {
  // A browser drops what it hasn't loaded yet when it goes to the next page.
  stage.allow(/gallery\.svg net::ERR_ABORTED/);
  const { context } = await plainBrowser(stage);
  const page = await stage.open("/contacts", { context, prepare: tellShown });
  await addContact(page, "Ada", "ada@example.com");
  await page.locator("#new-name").pressSequentially("Grace");
  await mark(page);
  await page.goto(stage.gallery.url);
  await page.locator("h1").waitFor();
  await goBack(page);
  assert.deepEqual(await shown(page), [false, true], "out of the cache");
  await joined(page);
  await shows(page, "#contacts .name", "Ada");
  assert.equal(await page.inputValue("#new-name"), "Grace");
  await page.fill("#new-email", "grace@example.com");
  await page.press("#new-email", "Enter");
  await eventually(() => names(page), ["Ada", "Grace"]);
  await assertKept(page, "#new-name", "#search", "#contacts li:first-child");
  // And forth, to a page that has become live meanwhile, and back.
  await page.goto(`${stage.gallery.url}/counter`);
  await joined(page);
  await page.click("#inc");
  await shows(page, "#count", "1");
  await goBack(page);
  await joined(page);
  assert.deepEqual(await shown(page), [false, true, true]);
  await page.goForward({ waitUntil: "commit" });
  await joined(page);
  assert.deepEqual(await shown(page), [false, true]);
  await page.click("#inc");
  await shows(page, "#count", "2");
});

scenario("a kept page whose server was replaced meanwhile goes on as well", async (stage) => {
  stage.allow(CONNECTION_FAULTS);
  const { context } = await plainBrowser(stage);
  const page = await stage.open("/counter", { context, prepare: tellShown });
  await page.click("#inc");
  await shows(page, "#count", "1");
  await mark(page);
  await page.goto(stage.gallery.url);
  await page.locator("h1").waitFor();
  const { port } = stage.gallery;
  await stage.gallery.kill();
  await stage.start({ port });
  await goBack(page);
  assert.deepEqual(await shown(page), [false, true]);
  await joined(page);
  await page.click("#inc");
  await shows(page, "#count", "2");
  await assertKept(page, "#count", "#inc");
});

scenario("a page on its way into the cache opens no other socket", async ({ open }) => {
  const page = await open("/counter");
  await page.click("#inc");
  await shows(page, "#count", "1");
  await mark(page);
  const pass = (type) => page.evaluate((type) => dispatchEvent(new PageTransitionEvent(type, { persisted: true })), type);
  await pass("pagehide");
  // The first attempt after a connection is lost comes within 50 ms.
  await pause(300);
  assert.equal(page.sockets.length, 1);
  await pass("pageshow");
  await eventually(() => page.sockets.length, 2);
  await joined(page);
  await page.click("#inc");
  await shows(page, "#count", "2");
  await assertKept(page, "#count", "#inc");
});

scenario("the back button, where the browser has not kept the page: it is live again", async (stage) => {
  stage.allow(/gallery\.svg net::ERR_ABORTED/);
  // A driven browser keeps none.
  const page = await stage.open("/counter", { prepare: tellShown });
  const session = () => page.locator("lightspeed-view").getAttribute("data-session");
  const before = await session();
  await page.click("#inc");
  await shows(page, "#count", "1");
  await page.goto(stage.gallery.url);
  await page.locator("h1").waitFor();
  await goBack(page);
  await joined(page);
  assert.equal(await session(), before, "out of the HTTP cache, with a token that counts no more");
  assert.deepEqual(await shown(page), [false]);
  await shows(page, "#count", "0");
  await page.click("#inc");
  await shows(page, "#count", "1");
});
