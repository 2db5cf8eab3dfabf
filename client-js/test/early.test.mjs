// What a person did before the handlers were known, and what nobody did.

import assert from "node:assert/strict";
import { test } from "node:test";
import { open } from "./harness.mjs";

/** Adopts fields that are the view's roots: each hears of `input` and `change`. Returns what was sent, as `[root, event, value]`. */
const adopt = (page) =>
  page.evaluate(async () => {
    const roots = [...view.children];
    const slots = roots.flatMap((_, index) => [["HANDLER", [index], "input"], ["HANDLER", [index], "change"]]);
    template(1, undefined, slots, { roots: roots.length });
    program(["ROOT", true, [1, 1]]);
    await null;
    return sent.map(([, slot, value]) => [slot >> 1, ["input", "change"][slot % 2], value]);
  });

test("what was chosen before the document begins is heard as it stands, though it has the focus", async () => {
  const page = await open(
    `<input type="checkbox"><select><option>a</option><option>b</option></select><select multiple name="m"><option>c</option><option>d</option></select>` +
      `<input type="range"><input type="color"><input type="date"><input type="file"><input type="text">`,
  );
  const kinds = [];
  const heard = async (selector, act) => {
    const other = await open(await page.evaluate(() => view.innerHTML));
    await act(other, selector);
    const isFocused = await other.evaluate((selector) => document.activeElement === $(selector), selector);
    kinds.push([selector, isFocused, await adopt(other)]);
    await other.finish();
  };
  const key = (name) => async (other, selector) => {
    await other.focus(selector);
    await other.keyboard.press(name);
  };
  await heard("[type=checkbox]", key("Space"));
  await heard("select", key("ArrowDown"));
  await heard("[multiple]", async (other, selector) => {
    await other.focus(selector);
    await other.selectOption(selector, ["c", "d"]);
  });
  await heard("[type=range]", key("ArrowRight"));
  await heard("[type=color]", (other, selector) => other.fill(selector, "#ff0000"));
  await heard("[type=date]", async (other, selector) => {
    await other.fill(selector, "2024-02-03");
    await other.focus(selector);
  });
  await heard("[type=file]", async (other, selector) => {
    await other.setInputFiles(selector, { name: "x.txt", mimeType: "text/plain", buffer: Buffer.from("x") });
    await other.focus(selector);
  });
  // What is typed has its change yet to come.
  await heard("[type=text]", key("x"));
  const both = (root, value) => [[root, "input", value], [root, "change", value]];
  assert.deepEqual(kinds, [
    ["[type=checkbox]", true, both(0, true)],
    ["select", true, both(1, "b")],
    ["[multiple]", true, both(2, "m=c&m=d")],
    ["[type=range]", true, both(3, "51")],
    ["[type=color]", true, both(4, "#ff0000")],
    ["[type=date]", true, both(5, "2024-02-03")],
    ["[type=file]", true, both(6, "C:\\fakepath\\x.txt")],
    ["[type=text]", true, [[7, "input", "x"]]],
  ]);
  await page.finish();
});

test("of a radio group the button that is chosen is heard, once", async () => {
  const page = await open(`<input type="radio" name="r" value="a" checked><input type="radio" name="r" value="b"><input type="radio" name="r" value="c">`);
  await page.focus("input");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  assert.deepEqual(await adopt(page), [[2, "input", "c"], [2, "change", "c"]]);
  await page.finish();
});

test("text of which the change has come early is heard of as changed, and other text when the change comes", async () => {
  const page = await open(`<input><textarea></textarea><input>`);
  await page.focus("input");
  await page.keyboard.type("one");
  await page.keyboard.press("Tab");
  await page.keyboard.type("two");
  await page.keyboard.press("Tab");
  await page.keyboard.type("three");
  await page.keyboard.press("Enter");
  assert.deepEqual(await adopt(page), [
    [0, "input", "one"], [0, "change", "one"], [1, "input", "two"], [1, "change", "two"], [2, "input", "three"], [2, "change", "three"],
  ]);
  await page.keyboard.type("!");
  await page.keyboard.press("Shift+Tab");
  assert.deepEqual(await page.evaluate(() => sent.slice(6)), [[1, 4, "three!"], [1, 5, "three!"]]);
  await page.finish();
});

test("an editable element, a field in a shadow tree, and handlers around fields hear of early edits", async () => {
  const page = await open(`<div contenteditable></div><fieldset><input type="checkbox"></fieldset><x-y></x-y>`);
  await page.evaluate(() => {
    $("x-y").attachShadow({ mode: "open" }).innerHTML = `<input type="checkbox">`;
  });
  await page.focus("div");
  await page.keyboard.type("ab");
  await page.check("fieldset input");
  await page.check("x-y input");
  assert.deepEqual(await adopt(page), [
    // No change leaves a shadow tree.
    [1, "input", true], [1, "change", true], [0, "input", "ab"], [2, "input", true],
  ]);
  await page.finish();
});

test("what a browser makes of values is no edit", async () => {
  const page = await open(
    [
      ["datetime-local", "2024-01-02T10:00:00"], ["number", "1,5"], ["color", "red"], ["range", "150"], ["range", ""], ["date", "2024-1-2"],
      ["time", "1:00"], ["week", "2024-W99"], ["month", "2024"], ["email", " a@b "], ["url", " http://x "], ["text", "a\nb"], ["search", "a\rb"], ["tel", "\n1"],
    ]
      .map(([type, value]) => `<input type="${type}" value="${value.replace(/[\r\n]/g, (one) => `&#${one.charCodeAt(0)};`)}">`)
      .join("") +
      `<input type="email" multiple value="a@b , c@d"><input type="range" min="3" max="1" step="2" value="9"><input type="checkbox"><input type="radio" name="r" checked><input type="radio" name="r" checked>` +
      `<textarea>\n\nx&#13;&#10;y</textarea><select></select><select><option disabled>a</option><option>b</option></select><select><option selected>a</option><option selected>b</option></select>` +
      `<select size="3"><option>a</option></select><select multiple><option selected>a</option></select><select><option disabled>a</option></select>` +
      `<select><optgroup disabled><option>a</option></optgroup><option>b</option></select><input type="file"><input type="hidden" value="\nx"><input type="button" value="x"><input><textarea></textarea>`,
  );
  assert.deepEqual(await adopt(page), []);
  await page.finish();
});

test("what a browser has restored is an edit, beside what it has made of values", async () => {
  const page = await open(`<input type="range" max="60" value="150"><input type="color" value="red"><select><option disabled>a</option><option>b</option><option>c</option></select><input type="number" value="1,5">`);
  await page.evaluate(() => {
    $("[type=range]").value = "40";
    $("[type=color]").value = "#123456";
    $("select").value = "c";
    $("[type=number]").value = "2";
  });
  const heard = await adopt(page);
  assert.deepEqual(heard.filter((one) => one[1] === "change"), [[0, "change", "40"], [1, "change", "#123456"], [2, "change", "c"], [3, "change", "2"]]);
  assert.equal(heard.length, 8);
  await page.finish();
});
