// From the server's HTML to a live page: what the page holds stays, and isn't sent again.

import assert from "node:assert/strict";
import { eventually, joined, scenario, shows } from "../fixture.js";

/** Keeps a file of the client back until `release` is called. */
function delayClient(file = "client.js") {
  let release;
  const promise = new Promise((resolve) => (release = resolve));
  const prepare = (page) =>
    page.route(`**/${file}`, async (route) => {
      await promise;
      await route.continue();
    });
  return { prepare, release };
}

scenario("the page is there before the client is", async ({ visit }) => {
  const { prepare, release } = delayClient();
  const page = await visit("/counter", { prepare });
  await shows(page, "#count", "0");
  assert.deepEqual(page.sockets, []);
  release();
  await joined(page);
});

scenario("nodes and what was typed before the join are still there after it", async ({ open, visit }) => {
  const filled = await open("/contacts");
  for (const name of ["Ada", "Grace"]) {
    await filled.fill("#new-name", name);
    await filled.fill("#new-email", `${name}@example.com`);
    await filled.click("#add");
    await filled.locator(".name", { hasText: name }).waitFor();
  }
  const { prepare, release } = delayClient();
  const page = await visit("/contacts", { prepare });
  await page.fill("#new-email", "typed early");
  await page.fill("#new-name", "Typed before the join");
  await page.locator("#new-name").evaluate((field) => field.setSelectionRange(5, 11));
  await page.evaluate(() => (window.nodes = [...document.querySelectorAll("lightspeed-view *")]));
  release();
  await joined(page);
  const after = await page.evaluate(() => ({
    areSame: [...document.querySelectorAll("lightspeed-view *")].every((node, index) => node === window.nodes[index]),
    count: document.querySelectorAll("lightspeed-view *").length - window.nodes.length,
    name: document.querySelector("#new-name").value,
    email: document.querySelector("#new-email").value,
    focused: document.activeElement.id,
    caret: [document.activeElement.selectionStart, document.activeElement.selectionEnd],
  }));
  assert.deepEqual(after, {
    areSame: true,
    count: 0,
    name: "Typed before the join",
    email: "typed early",
    focused: "new-name",
    caret: [5, 11],
  });
  // And the nodes are live.
  await page.press("#new-name", "Enter");
  await shows(page, "#new-email-error", "Enter an address like ada@example.com.");
  assert.equal(await page.inputValue("#new-name"), "Typed before the join");
});

scenario("a search that was typed before the join is made after it", async ({ open, visit }) => {
  const filled = await open("/contacts");
  for (const name of ["Ada", "Grace"]) {
    await filled.fill("#new-name", name);
    await filled.fill("#new-email", `${name}@example.com`);
    await filled.click("#add");
    await filled.locator(".name", { hasText: name }).waitFor();
  }
  const { prepare, release } = delayClient();
  const page = await visit("/contacts", { prepare });
  await page.fill("#search", "grace@");
  await shows(page, "#contacts .name", ["Ada", "Grace"]);
  release();
  await shows(page, "#contacts .name", ["Grace"]);
  assert.equal(await page.inputValue("#search"), "grace@");
});

scenario("clicks before the join count", async ({ visit }) => {
  const { prepare, release } = delayClient("client.wasm");
  const page = await visit("/counter", { prepare });
  // The script is there and the rest of the client isn't.
  await page.locator("html.lightspeed-connecting").waitFor({ state: "attached" });
  await page.click("#inc");
  await page.click("#inc");
  await page.click("#dec");
  await shows(page, "#count", "0");
  release();
  await shows(page, "#count", "1");
});

for (const path of ["/counter", "/contacts", "/embed"]) {
  scenario(`the join of ${path} carries no HTML`, async ({ open }) => {
    const page = await open(path);
    const [socket] = page.sockets;
    assert(socket.received.length >= 2, "a welcome and the join");
    for (const frame of socket.received) assert.doesNotMatch(frame.toString("latin1"), /<[a-z!/]/i);
    const bytes = socket.received.reduce((sum, frame) => sum + frame.length, 0);
    const html = await page.evaluate(() => document.querySelector("main").innerHTML.length);
    assert(bytes < html / 2, `${bytes} bytes for ${html} characters of HTML that the page has`);
  });
}

scenario("two components on one page share one socket", async ({ open }) => {
  const page = await open("/embed");
  assert.equal(await page.locator("lightspeed-view").count(), 2);
  await page.getByRole("button", { name: "Lemon" }).click();
  await eventually(() => page.getByLabel("Votes for Lemon").innerText(), "1");
  await page.getByRole("button", { name: "More Croissant" }).click();
  await page.getByRole("button", { name: "More Croissant" }).click();
  await page.getByRole("button", { name: "Less Croissant" }).click();
  await page.getByRole("button", { name: "More Rye bread" }).click();
  await shows(page, "#total", "€ 6.00");
  assert.equal(page.sockets.length, 1);
  // The rest of the application knows of the vote.
  const votes = await page.request.get(new URL("/embed/api/votes", page.url()).href);
  assert.deepEqual(await votes.json(), [0, 1, 0]);
  // Another visitor sees the vote, and has a cart of their own.
  const other = await open("/embed");
  await eventually(() => other.getByLabel("Votes for Lemon").innerText(), "1");
  await shows(other, "#total", "€ 0.00");
});
