// Extensions and translators: what they do to a page never makes one button do another's work, and hides nothing that
// the server says.

import assert from "node:assert/strict";
import { scenario, shows } from "../fixture.js";

/** Runs `change` with the counter's element as soon as the parser has made it, before the client starts. */
const early = (change) => ({
  prepare: (page) =>
    page.addInitScript(`
      new MutationObserver((_, observer) => {
        const counter = document.querySelector(".counter");
        if (!counter?.querySelector("#inc")?.firstChild) return;
        observer.disconnect();
        (${change})(counter);
      }).observe(document, { childList: true, subtree: true });
    `),
});

const CHANGES = {
  "a button comes before ours": (counter) => counter.prepend(document.createElement("button")),
  "a copy of a button without attributes comes first": (counter) => {
    const copy = document.createElement("button");
    copy.append("−");
    counter.prepend(copy);
  },
  "our buttons change places": (counter) => counter.append(counter.querySelector("output"), counter.querySelector("#dec")),
  "a text is wrapped": (counter) => {
    const font = document.createElement("font");
    const output = counter.querySelector("output");
    font.append(...output.childNodes);
    output.append(font);
  },
};

for (const [name, change] of Object.entries(CHANGES)) {
  scenario(`${name} while the page loads: each button does its own thing`, async ({ open, allow }) => {
    allow(/the document was changed; it is fetched anew/);
    const page = await open("/counter", early(change));
    // Until it is fetched there is no document that a click could be made on.
    await page.waitForFunction(() => {
      const ids = [...document.querySelectorAll(".counter > *")].map(({ id }) => id);
      return ids.join() === "dec,count,inc" && !document.querySelector("font");
    });
    await page.click("#inc");
    await page.click("#inc");
    await shows(page, "#count", "2");
    await page.click("#dec");
    await shows(page, "#count", "1");
  });
}

scenario("comments of an extension change nothing, and nothing is fetched again", async ({ open }) => {
  const page = await open(
    "/counter",
    early((counter) => counter.querySelectorAll("*").forEach((one) => one.before(new Comment(" theirs ")))),
  );
  await page.click("#inc");
  await shows(page, "#count", "1");
  assert.equal(await page.evaluate(() => document.querySelector(".counter").childNodes.length), 6);
});

scenario("a translated page shows what the server says, and keeps everything else", async ({ open }) => {
  const page = await open("/counter");
  await page.click("#inc");
  await shows(page, "#count", "1");
  await page.evaluate(() => {
    window.before = [...document.querySelectorAll("#inc, #dec, #count")];
    const walker = document.createTreeWalker(document.querySelector("lightspeed-view"), NodeFilter.SHOW_TEXT);
    const texts = [];
    while (walker.nextNode()) texts.push(walker.currentNode);
    for (const text of texts) {
      const font = document.createElement("font");
      font.append(document.createElement("font"));
      font.firstChild.append(`${text.data} `);
      text.replaceWith(font);
    }
  });
  for (const expected of ["2", "3"]) {
    await page.click("#inc");
    await shows(page, "#count", expected);
  }
  assert.ok(await page.evaluate(() => window.before.every((one) => one.isConnected)), "nothing is built anew");
});
