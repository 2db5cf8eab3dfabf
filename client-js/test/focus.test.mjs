// The focus, when what had it is taken away.

import assert from "node:assert/strict";
import { test } from "node:test";
import { open } from "./harness.mjs";

/** A document with a list of rows, 2 to 6, of two buttons each, and a field before it, a button behind it. */
const rows = async () => {
  const page = await open("");
  await page.evaluate(() => {
    template(1, `<div><input id="before"><ul><!></ul><button id="behind">b</button><p><!></p></div>`, [["LIST", [0, 1, 0]], ["BRANCH", [0, 3, 0]]]);
    template(2, `<li><b><!></b><button class="edit">e</button><button class="delete">d</button></li>`, [["SPLICE", [0, 0, 0]]]);
    template(3, `<span><input></span>`, []);
    template(4, `<span><button>open</button></span>`, []);
    template(5, `<span>plain</span>`, []);
    program(["ROOT", false, [1, 1, [2, 3, 4, 5, 6].map((id) => [id, 2, `${id}`]), [[7, 4]]]]);
    /** Gives the focus to what `selector` finds, runs instructions, and tells what has the focus then. */
    window.after = (selector, ...instructions) => {
      $(selector).focus();
      program(...instructions);
      const active = document.activeElement;
      return [active.closest("li")?.textContent[0], active.id || active.className || active.localName].filter(Boolean).join(".");
    };
  });
  return page;
};

test("when a row goes, the focus goes to the same part of the next, else of the one before, else near it", async () => {
  const page = await rows();
  const seen = await page.evaluate(() => [
    after("li:nth-child(2) .delete", ["REMOVE", 3]),
    after("li:nth-child(2) .edit", ["REMOVE", 4]),
    after("li:last-child .delete", ["REMOVE", 6]),
    after("li:last-child .delete", ["MOVE", 5, 2], ["REMOVE", 2]),
    after("li .delete", ["REMOVE", 5]),
  ]);
  assert.deepEqual(seen, ["4.delete", "5.edit", "5.delete", "5.delete", "before"]);
  await page.finish();
});

test("when rows go together, a list is emptied or a branch switches, the focus stays near", async () => {
  const page = await rows();
  const seen = await page.evaluate(() => [
    after("li:nth-child(2) .delete", ["REMOVE", 2], ["REMOVE", 3]),
    after("li:nth-child(1) .delete", ["REMOVE", 4], ["BUILD", 1, 0, 5, [8, 2, "8"]]),
    after("li:nth-child(1) .delete", ["EMPTY", 1, 0], ["BUILD", 1, 0, 0, [20, 2, "x"], [21, 2, "y"]]),
    after("p button", ["EMPTY", 1, 1], ["BUILD", 1, 1, 0, [9, 3]]),
    after("p input", ["EMPTY", 1, 1], ["BUILD", 1, 1, 0, [10, 5]]),
    after("li .delete", ["EMPTY", 1, 0]),
  ]);
  assert.deepEqual(seen, ["4.delete", "5.delete", "x.edit", "input", "before", "before"]);
  await page.finish();
});

test("a document that is built anew keeps the focus at its part", async () => {
  const page = await rows();
  const seen = await page.evaluate(() =>
    after("li:nth-child(2) .delete", ["ROOT", false, [1, 1, [2, 3, 4].map((id) => [id, 2, `${id}`]), [[7, 4]]]]),
  );
  assert.equal(seen, "3.delete");
  await page.finish();
});

test("a focus that is elsewhere stays there, and one that nothing had is given to nothing", async () => {
  const page = await rows();
  const seen = await page.evaluate(() => {
    const first = after("#behind", ["REMOVE", 2], ["EMPTY", 1, 1]);
    document.activeElement.blur();
    const calls = [];
    for (const name of ["focus", "blur"]) HTMLElement.prototype[name] = () => calls.push(name);
    program(["REMOVE", 3], ["EMPTY", 1, 0]);
    return [first, calls, document.activeElement === document.body];
  });
  assert.deepEqual(seen, ["behind", [], true]);
  await page.finish();
});
