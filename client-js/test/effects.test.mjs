// What a component asks of the page that shows it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { open } from "./harness.mjs";

/** A document with a button and a field; `ask` runs a program that ends with effects, each `[kind, name, data]`. */
const begin = async () => {
  const page = await open("");
  await page.evaluate(async () => {
    const codes = await import("/src/core/codes.js");
    template(1, `<div><input id="field"><p id="below" style="margin-top:5000px">b</p><b><!></b></div>`, [["SPLICE", [0, 2, 0]]]);
    program(["ROOT", false, [1, 1, "first"]]);
    document.body.insertAdjacentHTML("beforeend", `<p data-lightspeed-message></p>`);
    window.heard = [];
    for (const name of ["flash", "push"]) view.addEventListener(`lightspeed:${name}`, ({ detail }) => heard.push([name, detail]));
    window.ask = async (text, ...effects) => {
      program(["TEXT", 1, 0, text], ...effects.map(([kind, ...rest]) => ["EFFECT", codes[`EFFECT_${kind}`] ?? kind, ...rest]));
      // They are done when the machine is ready for events again.
      await new Promise(setTimeout);
    };
  });
  return page;
};

test("the focus, the scroll, a word to the person and a value to the page's own code", async () => {
  const page = await begin();
  const seen = await page.evaluate(async () => {
    await ask("second", ["FOCUS", "field", ""], ["FLASH", "", "it is saved"], ["PUSH", "chart", `{"points":[1,2]}`]);
    const focused = [document.activeElement.id, scrollY];
    await ask("third", ["SCROLL_INTO_VIEW", "below", ""]);
    return [$("b").textContent, ...focused, scrollY > 1000, document.querySelector("[data-lightspeed-message]").textContent, heard];
  });
  assert.deepEqual(seen, ["third", "field", 0, true, "it is saved", [["flash", "it is saved"], ["push", { name: "chart", data: { points: [1, 2] } }]]]);
  await page.finish();
});

test("what isn't there or isn't known is nothing, and what comes behind it is done", async () => {
  const page = await begin();
  const seen = await page.evaluate(async () => {
    await ask("second", ["FOCUS", "nowhere", ""], [99, "what", ""], ["PUSH", "n", "not JSON"], ["FLASH", "", "done"]);
    return [$("b").textContent, heard];
  });
  assert.deepEqual(seen, ["second", [["flash", "done"]]]);
  await page.finish().catch((error) => assert.match(String(error), /JSON/));
});

test("an effect sees the document after its program, and may be about what that has made", async () => {
  const page = await begin();
  const seen = await page.evaluate(async () => {
    template(2, `<i><input id="new"></i>`, []);
    program(["ROOT", false, [1, 1, [[2, 2]]]], ["EFFECT", 1, "new", ""]);
    const during = document.activeElement.id;
    await new Promise(setTimeout);
    return [during, document.activeElement.id];
  });
  assert.deepEqual(seen, ["", "new"]);
  await page.finish();
});

test("an address is gone to or saved, and one that runs code is not", async () => {
  const page = await begin();
  const asked = [];
  await page.route("**/*", (route) => {
    asked.push(new URL(route.request().url()).pathname);
    if (route.request().url().endsWith("/report")) return route.fulfill({ headers: { "content-disposition": "attachment; filename=report.txt" }, body: "r" });
    return route.fulfill({ contentType: "text/html", body: "<h1>elsewhere</h1>" });
  });
  page.on("console", (message) => asked.push(message.text().slice(0, 40)));
  await page.evaluate(() => ask("x", ["NAVIGATE", "javascript:document.title='run'", ""], ["DOWNLOAD", "data:text/plain,x", ""]));
  assert.notEqual(await page.title(), "run");
  assert.deepEqual(asked.splice(0), ["lightspeed: not an address of a page: ja", "lightspeed: not an address of a page: da"]);
  const [download] = await Promise.all([page.waitForEvent("download"), page.evaluate(() => ask("x", ["DOWNLOAD", "/report", ""]))]);
  assert.equal(download.suggestedFilename(), "report.txt");
  await Promise.all([page.waitForURL("**/elsewhere"), page.evaluate(() => void ask("x", ["NAVIGATE", "/elsewhere", ""]))]);
  assert.equal(await page.textContent("h1"), "elsewhere");
  await page.close();
});
