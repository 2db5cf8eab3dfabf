// Features are files of their own, which a page loads when something on it needs them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { open } from "./harness.mjs";

test("a template that names ls-viewport brings its module, and no other does", async () => {
  const page = await open("");
  const features = [];
  page.on("request", (request) => request.url().includes("/features/") && features.push(new URL(request.url()).pathname));
  await page.evaluate(() => {
    template(1, "<div><!></div>", [["BRANCH", [0, 0]]]);
    template(2, "<p>&lt;ls-viewport</p>", []);
    program(["ROOT", false, [1, 1, [[2, 2]]]]);
  });
  assert.deepEqual(features, []);
  await page.evaluate(() => {
    template(3, `<ls-viewport rows="1000" first="0" row-height="20"><div><!></div></ls-viewport>`, [["SPLICE", [0, 0, 0]]]);
    program(["EMPTY", 1, 0], ["BUILD", 1, 0, 0, [3, 3, "row"]]);
    return customElements.whenDefined("ls-viewport");
  });
  assert.deepEqual(features, ["/src/features/viewport.js"]);
  assert.equal(await page.evaluate(() => $("ls-viewport").shadowRoot.firstChild.style.height), "20000px");
  await page.finish();
});
