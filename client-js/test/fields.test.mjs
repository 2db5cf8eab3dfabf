import assert from "node:assert/strict";
import { test } from "node:test";
import { open } from "./harness.mjs";

const FIELD = `<form><input name="a" value="old"></form>`;

/** Adopts `FIELD`: slot 0 is the value, slot 1 hears of each edit, slot 2 of the form's submit. */
const adopt = (page) =>
  page.evaluate(() => {
    template(1, undefined, [["HANDLER", [0], "submit"], ["PROPERTY", [0, 0], "value"], ["HANDLER", [0, 0], "input"]]);
    program(["ROOT", true, [1, 1]]);
    window.answer = (ack, value) => {
      program.answering(ack, ["ATTRIBUTE", 1, 1, value]);
      return $("input").value;
    };
  });

test("a late answer never undoes a newer edit", async () => {
  const page = await open(FIELD);
  await adopt(page);
  await page.press("input", "End");
  await page.type("input", "12");
  assert.deepEqual(await page.evaluate(() => sent.map((event) => event[2])), ["old1", "old12"]);
  const values = await page.evaluate(() => [answer(0, "zero"), answer(1, "one"), answer(2, "TWO"), answer(2, null)]);
  assert.deepEqual(values, ["old12", "old12", "TWO", ""]);
  await page.finish();
});

test("what is being typed and was never sent stays, but for a field that gives way", async () => {
  const page = await open(`<input value="old"><input type="number" value="1"><textarea>old</textarea>`);
  await page.evaluate(() => {
    template(1, undefined, [["PROPERTY", [0], "value"], ["PROPERTY", [1], "value"], ["PROPERTY", [2], "value"]], { roots: 3 });
    program(["ROOT", true, [1, 1]]);
  });
  const answer = (slot) => page.evaluate((slot) => {
    program.answering(9, ["ATTRIBUTE", 1, slot, "5"]);
    return view.children[slot].value;
  }, slot);
  await page.press("input >> nth=0", "End");
  await page.type("input >> nth=0", "er");
  assert.equal(await answer(0), "older");
  await page.evaluate(() => view.children[0].setAttribute("data-lightspeed-force", ""));
  assert.equal(await answer(0), "5");
  await page.press("input >> nth=1", "End");
  await page.type("input >> nth=1", "e");
  await answer(1);
  // A half-typed number has no value; what the person sees is still there to be finished.
  await page.type("input >> nth=1", "2");
  assert.equal(await page.inputValue("input >> nth=1"), "1e2");
  await page.focus("textarea");
  assert.equal(await answer(1), "5", "the person is elsewhere by now");
  assert.equal(await answer(2), "5", "the focus alone keeps nothing");
  await page.finish();
});

test("submitting sends the edit, so that the answer may clear the field", async () => {
  const page = await open(FIELD);
  await page.evaluate(() => {
    template(1, undefined, [["HANDLER", [0], "submit"], ["PROPERTY", [0, 0], "value"]]);
    program(["ROOT", true, [1, 1]]);
  });
  await page.fill("input", "task");
  await page.press("input", "Enter");
  const values = await page.evaluate(() => {
    const value = (ack) => {
      program.answering(ack, ["ATTRIBUTE", 1, 1, ""]);
      return $("input").value;
    };
    return [sent, value(0), value(1), document.activeElement === $("input")];
  });
  assert.deepEqual(values, [[[1, 0, "a=task"]], "task", "", true]);
  await page.finish();
});

test("the caret stays where it is when the server writes another value", async () => {
  const page = await open(FIELD);
  await adopt(page);
  await page.fill("input", "abcdef");
  const carets = await page.evaluate(() => {
    const field = $("input");
    const caret = (at, value) => {
      field.setSelectionRange(at, at);
      answer(9, value);
      return [field.value, field.selectionStart];
    };
    return [caret(2, "abcdef"), caret(2, "ABCDEF"), caret(6, "ABC-DEF")];
  });
  assert.deepEqual(carets, [["abcdef", 2], ["ABCDEF", 2], ["ABC-DEF", 7]]);
  await page.finish();
});

test("a choice stays until the server has heard of it", async () => {
  const page = await open(
    `<select><option>a</option><option>b</option></select><input type="radio" name="r" checked><input type="radio" name="r"><input type="checkbox">`,
  );
  await page.evaluate(() => {
    template(1, undefined, [
      ["HANDLER", [0], "change"],
      ["BOOL_PROPERTY", [0, 0], "selected"],
      ["BOOL_PROPERTY", [0, 1], "selected"],
      ["BOOL_PROPERTY", [1], "checked"],
      ["BOOL_PROPERTY", [2], "checked"],
      ["HANDLER", [2], "change"],
      ["HANDLER", [3], "change"],
      ["BOOL_PROPERTY", [3], "checked"],
    ], { roots: 4 });
    program(["ROOT", true, [1, 1]]);
    window.state = () => [$("select").value, ...[...view.querySelectorAll("input")].map((field) => field.checked)];
    window.answer = (ack) => {
      program.answering(ack, ["FLAG", 1, 1, true], ["FLAG", 1, 3, true], ["FLAG", 1, 4, false], ["FLAG", 1, 7, false]);
      return window.state();
    };
  });
  await page.selectOption("select", "b");
  await page.check("[type=radio] >> nth=1");
  await page.check("[type=checkbox]");
  assert.deepEqual(await page.evaluate(() => [answer(0), answer(3)]), [
    ["b", false, true, true],
    ["a", true, false, false],
  ]);
  await page.finish();
});

test("a document that is built anew keeps what the server doesn't know, and the focus", async () => {
  const page = await open("");
  const html = `<form><input name="a"><input name="b"><input name="b"><textarea name="c"></textarea><input type="checkbox" name="d"></form>`;
  const build = (id) =>
    page.evaluate(([id, html]) => {
      template(1, html, [["HANDLER", [0], "input"], ["PROPERTY", [0, 0], "value"]]);
      program(["ROOT", false, [id, 1, "from the server"]]);
    }, [id, html]);
  await build(1);
  await page.fill("[name=c]", "typed");
  await page.check("[name=d]");
  await page.fill("[name=b] >> nth=1", "second");
  await page.evaluate(() => $("[name=b] ~ [name=b]").setSelectionRange(1, 3));
  const before = await page.evaluate(() => sent.length);
  await build(5);
  const state = await page.evaluate(() => [
    ...[...view.querySelectorAll("input,textarea")].map((field) => field.value),
    $("[name=d]").checked,
    document.activeElement === $("[name=b] ~ [name=b]"),
    document.activeElement.selectionStart,
    sent.at(-1),
  ]);
  const form = "a=from+the+server&b=&b=second&c=typed&d=on";
  assert.deepEqual(state, ["from the server", "", "second", "typed", "on", true, true, 1, [5, 0, form]]);
  assert.equal(await page.evaluate(() => sent.length), before + 3);
  await page.finish();
});
