// What a page does with each answer that it gets when its session can't go on: it waits, says so, or goes.

import assert from "node:assert/strict";
import { test } from "node:test";
import { open } from "./harness.mjs";

const PRIVATE = `<p>balance: 12</p>`;
const FRESH = `<!doctype html><body><lightspeed-view data-session="fresh">other</lightspeed-view>`;

/** A page that is answered `answers` in turn, the last one for ever; `gone` counts how often it was loaded since. */
async function answered(...answers) {
  const page = await open(PRIVATE);
  page.fetches = 0;
  await page.route("**/*", (route) => {
    const request = route.request();
    if (request.isNavigationRequest()) {
      page.gone = (page.gone ?? 0) + 1;
      return route.fulfill({ contentType: "text/html", body: "<h1>Sign in</h1>" });
    }
    if (request.resourceType() !== "fetch") return route.continue();
    const answer = answers[Math.min(page.fetches++, answers.length - 1)];
    return answer === "lost" ? route.abort() : route.fulfill({ contentType: "text/html", ...answer });
  });
  await page.evaluate(async () => {
    document.body.insertAdjacentHTML("beforeend", `<p data-lightspeed-message></p>`);
    const { encode } = await import("/src/core/text.js");
    const events = [];
    addEventListener("lightspeed:blocked", (event) => events.push(["blocked", event.detail]));
    addEventListener("lightspeed:refused", (event) => events.push(["refused", event.detail]));
    const { client } = window;
    const refresh = () => client.refresh();
    const state = (...parameters) => client.state(...parameters);
    Object.assign(window, { refresh, state, failed: (reason, text) => client.failed(1, reason, encode(text)), events });
    window.said = () => document.querySelector("[data-lightspeed-message]").textContent;
  });
  return page;
}

/** What the machine is told of one refresh, and what the person is. */
const refresh = (page) =>
  page.evaluate(async () => {
    await window.refresh();
    return { told: window.told.splice(0), said: window.said(), shown: window.view.textContent };
  });

test("a page with its part in it brings its token", async () => {
  const page = await answered({ body: FRESH });
  assert.deepEqual(await refresh(page), { told: [["tokens", "fresh"]], said: "", shown: "balance: 12" });
  await page.finish();
});

test("an answer that asks to wait is waited for, in seconds or until a date", async () => {
  const page = await answered(
    ...["60", "5", "0", "-5", "soon", "", new Date(0).toUTCString(), "Fri, 31 Dec 9999 23:59:59 GMT"].map((after) => ({ status: 429, headers: { "retry-after": after } })),
    { status: 503, headers: { "retry-after": new Date(Date.now() + 90_000).toUTCString() } },
  );
  page.on("console", () => {});
  const waits = [];
  for (let count = 0; count < 9; count++) waits.push((await refresh(page)).told[0]);
  const names = new Set(waits.map(([name]) => name));
  assert.deepEqual([...names], ["refresh_failed"]);
  const times = waits.map(([, wait]) => wait);
  assert.deepEqual(times.slice(0, 7), [60_000, 5_000, 0, 0, 0, 0, 0]);
  assert(times[7] > 1e12, "a client of whole milliseconds takes what it can of that");
  assert(times[8] > 60_000 && times[8] <= 90_000, `${times[8]}`);
  assert.match((await refresh(page)).said, /^This page goes on in \d+ s\.$/);
  assert.equal(page.gone, undefined);
  await page.close();
});

for (const answer of [{ status: 408 }, { status: 425 }, { status: 429 }, { status: 500 }, { status: 502 }, { status: 503 }, { status: 504 }, { status: 520 }, "lost"]) {
  test(`${answer.status ?? answer}: the page waits, and keeps what it shows`, async () => {
    const page = await answered(answer);
    assert.deepEqual(await refresh(page), { told: [["refresh_failed", 0]], said: "", shown: "balance: 12" });
    assert.equal(page.gone, undefined);
    await page.close();
  });
}

for (const [name, answer] of Object.entries({
  "a redirect": { status: 302, headers: { location: "/login" } },
  "a redirect to another site": { status: 303, headers: { location: "https://sign-in.example/" } },
  "400": { status: 400 },
  "401": { status: 401, body: "<h1>Who are you?</h1>" },
  "403": { status: 403, body: FRESH },
  "404": { status: 404 },
  "410": { status: 410 },
  "421": { status: 421 },
  "451": { status: 451 },
  "a page without the part": { body: "<h1>Sign in</h1>" },
  "no page at all": { contentType: "application/json", body: "{}" },
  "nothing": { status: 204 },
})) {
  test(`${name}: the page goes where the answer is`, async () => {
    const page = await answered(answer);
    await page.evaluate(() => void window.refresh());
    await page.locator("h1").waitFor();
    assert.equal(await page.locator("body").innerText(), "Sign in", "nothing that was shown is left");
    assert.deepEqual([page.fetches, page.gone], [1, 1]);
    await page.close();
  });
}

test("a page that was just loaded again isn't once more: it ends", async () => {
  const page = await answered({ status: 404 });
  // As a browser has it after a reload.
  await page.evaluate(() => {
    Object.defineProperty(performance.navigation, "type", { value: 1 });
    performance.now = () => 9_000;
  });
  assert.deepEqual((await refresh(page)).told, [["tokens", ""]]);
  assert.equal(page.gone, undefined);
  await page.evaluate(() => void ((performance.now = () => 11_000), window.refresh()));
  await page.locator("h1").waitFor();
  assert.equal(page.gone, 1);
  await page.close();
});

test("a session that is over for whoever is at the browser leaves nothing on the page", async () => {
  const page = await answered({ body: FRESH });
  const ended = (reason) =>
    page.evaluate(async (reason) => {
      window.failed(reason, "Sign in again.");
      await Promise.resolve();
      return [window.view.textContent, window.said(), window.events.at(-1)];
    }, reason);
  assert.deepEqual(await ended(9), ["balance: 12", "Sign in again.", ["refused", "Sign in again."]]);
  assert.deepEqual(await ended(7), ["", "Sign in again.", ["refused", "Sign in again."]]);
  await page.finish();
});

/** What `why.js` says of a socket whose address is answered so. */
async function why(answer, { opens = false } = {}) {
  const page = await answered(answer);
  const said = await page.evaluate(async (opens) => {
    window.WebSocket = class {
      constructor() {
        setTimeout(() => (opens ? this.onopen() : this.onclose()));
      }
      close() {}
    };
    const { ask } = await import("/src/features/why.js");
    window.state(1, 0);
    await ask(`${location.origin.replace("http", "ws")}/lightspeed/socket`, window.client).catch(() => {});
    await Promise.resolve();
    return { classes: document.documentElement.className, said: window.said(), events: window.events };
  }, opens);
  return { page, ...said };
}

test("a socket that doesn't open: the page says what its address is answered with", async () => {
  const text = "Have the proxy pass `Upgrade` on.";
  const { page, classes, said, events } = await why({ status: 400, contentType: "text/plain; charset=utf-8", body: text });
  assert.equal(classes, "lightspeed-blocked");
  assert.match(said, /^This page's live socket can't be opened: http:\S+\/lightspeed\/socket is answered with status 400\. Have the proxy/);
  assert.deepEqual(events, [["blocked", said]]);
  // And until it opens.
  assert.deepEqual(await page.evaluate(() => (window.state(1, 1), [document.documentElement.className, window.said()])), ["lightspeed-connected", ""]);
  await page.close();
});

test("a page of somebody else's at the socket's address isn't read out", async () => {
  const { page, said } = await why({ status: 404, body: "<h1>Not here</h1>" });
  assert.match(said, /answered with status 404\. Whatever stands before the server/);
  await page.close();
});

for (const [name, answer, options] of [
  ["a server that is away", "lost"],
  ["a server that is busy", { status: 503, contentType: "text/plain", body: "Too many sockets." }],
  ["a socket that opens meanwhile", { status: 400, contentType: "text/plain", body: "no" }, { opens: true }],
]) {
  test(`${name} is nothing that blocks`, async () => {
    const { page, classes, said } = await why(answer, options);
    assert.deepEqual([classes, said], ["lightspeed-connecting", ""]);
    await page.close();
  });
}

for (const answer of [{ status: 302, headers: { location: "/login" } }, { status: 401 }]) {
  test(`a socket's address that asks to sign in, by ${answer.status}: the page goes there`, async () => {
    const { page } = await why(answer).catch((error) => ({ error }));
    await page?.locator("h1").waitFor();
    if (page) assert.equal(page.gone, 1);
    await page?.close();
  });
}

test("two clients in one document keep to their parts", async () => {
  const page = await open("<button>one</button>");
  const seen = await page.evaluate(async () => {
    const { Page } = await import("/src/core/page.js");
    const { stub } = await import("/test/stub.mjs");
    const { program, template } = await import("/test/program.mjs");
    const other = document.createElement("lightspeed-view");
    document.body.append(other);
    const second = new Page();
    second.machine = stub();
    second.begin([other]);
    window.template(1, undefined, [["HANDLER", [0], "click"]]);
    window.program(["ROOT", true, [1, 1]]);
    template(second)(1, "<p><button>two</button></p>", [["HANDLER", [0, 0], "click"]]);
    program(second)(["ROOT", false, [7, 1]]);
    for (const button of document.querySelectorAll("button")) button.click();
    return [window.sent, second.machine.sent];
  });
  assert.deepEqual(seen, [[[1, 0, null]], [[7, 0, null]]]);
  await page.finish();
});
