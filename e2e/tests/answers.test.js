// A page whose session can't come back, behind servers and proxies that answer in every way: it waits, says why, or goes.

import assert from "node:assert/strict";
import { eventually, joined, scenario, screenshot, shows } from "../fixture.js";
import { CONNECTION_FAULTS, proxy } from "../proxy.js";
import { lost } from "../steps.js";

const respond = (status, headers = "", body = "") =>
  `HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: ${Buffer.byteLength(body)}\r\n${headers}\r\n${body}`;
const isSocket = (text) => /^\w+ \S*\/socket/.test(text);

/**
 * A counter behind a proxy that answers `answer(text, link)` to what a request says, where that gives something. Its session is lost.
 * `fetches` counts how often the page was asked for since.
 */
async function orphan(stage, answer, options) {
  stage.allow(CONNECTION_FAULTS);
  stage.allow(/ended:|status of \d+|counter \d+$|socket \d+$|ERR_ABORTED|live socket can't/);
  const link = await proxy(stage);
  const page = await stage.open(`${link.url}/counter`, options);
  await page.click("#inc");
  await shows(page, "#count", "1");
  const { port } = stage.gallery;
  await stage.gallery.kill();
  await lost(page);
  link.fetches = 0;
  link.answer = (bytes) => {
    const text = bytes.toString("latin1");
    if (/^GET \/counter/.test(text)) link.fetches++;
    return answer(text, link);
  };
  // Another folder, and so another secret: of the session nothing is known.
  stage.folder = undefined;
  await stage.start({ port });
  return { link, page };
}

scenario("asked to wait, it waits and says so; then it goes on", async (stage) => {
  const wait = respond("429 Too Many Requests", "retry-after: 4\r\n");
  const { link, page } = await orphan(stage, (text, link) => /^GET \/counter/.test(text) && link.fetches < 2 && wait);
  await eventually(() => page.locator("[data-lightspeed-message]").innerText(), "This page goes on in 4 s.");
  const began = Date.now();
  await page.screenshot({ path: screenshot("asked-to-wait") });
  assert.equal(link.fetches, 1);
  await joined(page);
  assert(Date.now() - began > 2_500, "not before");
  assert.equal(link.fetches, 2, "once for each");
  await page.click("#inc");
  await shows(page, "#count", "1");
});

scenario("a page that there is no more: the browser shows what the server says", async (stage) => {
  const gone = respond("404 Not Found", "content-type: text/html\r\n", "<h1>There is no such page</h1>");
  const { link, page } = await orphan(stage, (text) => /^GET \/counter/.test(text) && gone);
  await page.getByRole("heading", { name: "There is no such page" }).waitFor();
  assert.equal(await page.locator("#count").count(), 0, "nothing of the session is left");
  assert.equal(link.fetches, 2, "once by the client, once by the browser");
});

scenario("a visitor who is sent to sign in goes there, and comes to no older page by going back", async (stage) => {
  const login = respond("303 See Other", "location: /login\r\n");
  const form = respond("200 OK", "content-type: text/html\r\n", "<h1>Sign in</h1>");
  const { link, page } = await orphan(stage, (text) => (/^GET \/counter/.test(text) && login) || (/^GET \/login/.test(text) && form));
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  assert.equal(new URL(page.url()).pathname, "/login");
  assert.equal(await page.locator("#count").count(), 0);
  assert.equal(link.fetches, 2);
});

/** What the page says when it is blocked. */
const blocked = async (page) => {
  await page.locator("html.lightspeed-blocked").waitFor({ state: "attached" });
  return page.locator("[data-lightspeed-message]").innerText();
};

/** A counter that is visited through a proxy. */
async function visited(stage, how, options) {
  stage.allow(CONNECTION_FAULTS);
  stage.allow(/status of \d+|socket(\?deflate)? \d+$|live socket can't|Unexpected response code/);
  const link = Object.assign(await proxy(stage), how);
  const page = await stage.visit(`${link.url}/counter`, options);
  return { link, page };
}

scenario("a proxy that drops Upgrade: page and log say so, and how to mend it", async (stage) => {
  let sockets = 0;
  const rewrite = (text) => {
    if (isSocket(text)) sockets++;
    return text.replace(/^(upgrade|connection): .*\r\n/gim, "");
  };
  const { link, page } = await visited(stage, { rewrite }, { colorScheme: "dark" });
  const said = await blocked(page);
  assert.match(said, /answered with status 400.*proxy.*`Upgrade`.*proxy_set_header Upgrade \$http_upgrade/s);
  assert.match(stage.gallery.log, /socket refused:.*proxy_set_header Upgrade/);
  await page.screenshot({ path: screenshot("blocked-dark") });
  await page.setViewportSize({ width: 390, height: 844 });
  await page.screenshot({ path: screenshot("blocked-phone") });
  assert(sockets < 12, `${sockets} requests`);
  // Mended, it goes on by itself, and says no more of it.
  link.rewrite = undefined;
  await joined(page);
  assert.equal(await page.locator("[data-lightspeed-message]").innerText(), "");
  await page.click("#inc");
  await shows(page, "#count", "1");
});

scenario("a proxy that changes Host: page and log name the origin, the host and the setting", async (stage) => {
  const rewrite = (text) => text.replace(/^host: .*$/im, "Host: backend:3000");
  const { link, page } = await visited(stage, { rewrite });
  const said = await blocked(page);
  assert(said.includes(link.url) && said.includes("backend:3000") && said.includes("with_allowed_origin"), said);
  assert.match(stage.gallery.log, /socket refused: A page of .*backend:3000.*with_allowed_origin/);
  await page.screenshot({ path: screenshot("blocked") });
});

scenario("a proxy that has no way to the socket: the page says what it is answered", async (stage) => {
  const missing = respond("404 Not Found", "content-type: text/html\r\n", "<h1>nginx</h1>");
  const { page } = await visited(stage, { answer: (bytes) => isSocket(bytes.toString("latin1")) && missing });
  assert.match(await blocked(page), /\/lightspeed\/socket is answered with status 404\. Whatever stands before the server/);
});

scenario("a host that isn't the server's is told so, and which setting names it", async (stage) => {
  // The browser asks for an icon, too.
  stage.allow(/status of 4\d\d|(counter|favicon.ico) 4\d\d$/);
  const link = await proxy(stage);
  link.rewrite = (text) => text.replace(/^host: .*$/im, "Host: evil.example");
  const page = await stage.visit(`${link.url}/counter`);
  await eventually(() => page.locator("body").innerText().then((text) => /"evil.example".*with_hosts/.test(text)), true);
});
