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

test("what constrains a value comes before the value, whatever the order, in what is built and in a patch", async () => {
  const page = await open("");
  const seen = await page.evaluate(() => {
    const state = () => [...view.querySelectorAll("input,select")].map((field) => (field.options && field.multiple ? [...field.selectedOptions].map((one) => one.value).join("+") : field.value));
    template(1, `<div><input type="range"><input><select><option>a</option><option>b</option></select><select><option>c</option><option>d</option></select><select><!></select></div>`, [
      ["PROPERTY", [0, 0], "value"], ["ATTRIBUTE", [0, 0], "step"], ["ATTRIBUTE", [0, 0], "max"], ["ATTRIBUTE", [0, 0], "min"],
      ["PROPERTY", [0, 1], "value"], ["ATTRIBUTE", [0, 1], "type"], ["FLAG", [0, 1], "multiple"],
      ["FLAG", [0, 2, 0], "disabled"],
      ["BOOL_PROPERTY", [0, 3, 0], "selected"], ["BOOL_PROPERTY", [0, 3, 1], "selected"], ["FLAG", [0, 3], "multiple"],
      ["LIST", [0, 4, 0]],
    ]);
    template(2, "<option><!></option>", [["BOOL_PROPERTY", [0], "selected"], ["FLAG", [0], "disabled"], ["SPLICE", [0, 0]]]);
    const built = (value, step, max, min, text, type) => [value, step, max, min, text, type, false, true, true, true, true];
    program(["ROOT", false, [1, 1, ...built("150", "10", "200", "100", "#102030", "color"), [[2, 2, false, true, "e"], [3, 2, false, false, "f"]]]]);
    const first = state();
    program(
      ["ATTRIBUTE", 1, 0, "1005"], ["ATTRIBUTE", 1, 1, "5"], ["ATTRIBUTE", 1, 2, "2000"], ["ATTRIBUTE", 1, 3, "500"],
      ["ATTRIBUTE", 1, 4, "a@b,c@d"], ["ATTRIBUTE", 1, 5, "email"], ["FLAG", 1, 6, true],
      ["FLAG", 2, 0, true], ["REMOVE", 3], ["BUILD", 1, 11, 0, [4, 2, true, false, "g"]], ["FLAG", 2, 0, false],
    );
    const second = state();
    // Bounds alone: the value is what it was said to be.
    program(["ATTRIBUTE", 1, 2, "600"]);
    const third = state()[0];
    program(["ATTRIBUTE", 1, 2, "2000"]);
    return [first, second, third, state()[0]];
  });
  assert.deepEqual(seen, [
    ["150", "#102030", "b", "c+d", "f"],
    ["1005", "a@b,c@d", "b", "c+d", "g"],
    "600",
    "1005",
  ]);
  await page.finish();
});

test("a value that a person set within its bounds stays when the bounds change", async () => {
  const page = await open(`<input type="range" max="100" value="10"><select><option>a</option><option>b</option></select>`);
  await page.evaluate(() => {
    template(1, undefined, [["ATTRIBUTE", [0], "max"], ["FLAG", [1, 0], "disabled"]], { roots: 2 });
    program(["ROOT", true, [1, 1]]);
  });
  await page.focus("input");
  await page.keyboard.press("ArrowRight");
  await page.focus("select");
  await page.keyboard.press("ArrowDown");
  const values = await page.evaluate(() => {
    program(["ATTRIBUTE", 1, 0, "50"], ["FLAG", 1, 1, true]);
    return [$("input").value, $("select").value];
  });
  assert.deepEqual(values, ["11", "b"]);
  await page.finish();
});

const RADIOS = `<input type="radio" name="r" value="a" checked><input type="radio" name="r" value="b"><input type="radio" name="r" value="c">`;

test("a radio button that the server refuses gives the choice back, also when it is said of that button alone", async () => {
  const page = await open(RADIOS);
  await page.evaluate(() => {
    const slots = [0, 1, 2].flatMap((index) => [["BOOL_PROPERTY", [index], "checked"], ["HANDLER", [index], "change"]]);
    template(1, undefined, slots, { roots: 3 });
    program(["ROOT", true, [1, 1]]);
    window.state = () => [...view.children].findIndex((one) => one.checked);
  });
  await page.click("input >> nth=1");
  assert.equal(await page.evaluate(() => (program.answering(1, ["FLAG", 1, 2, false]), state())), 0);
  await page.click("input >> nth=2");
  assert.equal(await page.evaluate(() => (program.answering(1, ["FLAG", 1, 2, true]), state())), 2, "an older answer");
  assert.equal(await page.evaluate(() => (program.answering(2, ["FLAG", 1, 4, true], ["FLAG", 1, 0, false]), state())), 2);
  await page.finish();
});

test("what a checkbox says by its click alone is answered, though it has the focus", async () => {
  const page = await open(`<input type="checkbox"><label><input type="checkbox"><b>x</b></label>`);
  await page.evaluate(() => {
    template(1, undefined, [["HANDLER", [0], "click"], ["BOOL_PROPERTY", [0], "checked"], ["HANDLER", [1], "click"], ["BOOL_PROPERTY", [1, 0], "checked"]], { roots: 2 });
    program(["ROOT", true, [1, 1]]);
  });
  const answer = (ack, slot) => page.evaluate(([ack, slot]) => {
    program.answering(ack, ["FLAG", 1, slot, false]);
    return [...view.querySelectorAll("input")].map((one) => one.checked);
  }, [ack, slot]);
  await page.click("input");
  assert.deepEqual(await answer(0, 1), [true, false], "an older answer");
  assert.deepEqual(await answer(1, 1), [false, false]);
  await page.click("b");
  assert.deepEqual(await page.evaluate(() => sent.length), 3);
  assert.deepEqual(await answer(2, 3), [false, true]);
  assert.deepEqual(await answer(3, 3), [false, false]);
  await page.finish();
});

test("a reset is an edit, by a button or a script", async () => {
  const page = await open(`<form id="f"><input value="old"><input type="checkbox" checked><select><option>a</option><option selected>b</option></select><button type="reset">r</button></form><input form="f" value="outside">`);
  await page.evaluate(() => {
    template(1, undefined, [
      ["HANDLER", [0, 0], "input"], ["HANDLER", [0, 1], "change"], ["HANDLER", [0, 2], "change"], ["HANDLER", [1], "input"],
    ], { roots: 2 });
    program(["ROOT", true, [1, 1]]);
  });
  const edit = async () => {
    await page.fill("form > input", "new");
    await page.uncheck("[type=checkbox]");
    await page.selectOption("select", "a");
    await page.fill("input[form]", "other");
    await page.evaluate(() => sent.splice(0));
  };
  const heard = async () => {
    await page.waitForFunction(() => sent.length > 3);
    return page.evaluate(() => sent.splice(0).map((one) => one.slice(1)));
  };
  const expected = [[0, "old"], [1, true], [2, "b"], [3, "outside"]];
  await edit();
  await page.click("button");
  assert.deepEqual(await heard(), expected);
  await edit();
  await page.evaluate(() => $("form").reset());
  assert.deepEqual(await heard(), expected);
  // One that another listener forbids is none.
  await edit();
  await page.evaluate(() => $("form").addEventListener("reset", (event) => event.preventDefault()));
  await page.click("button");
  await page.evaluate(() => new Promise((resolve) => setTimeout(resolve)));
  assert.deepEqual(await page.evaluate(() => [sent, $("input").value]), [[], "new"]);
  await page.finish();
});

test("a value that comes in the midst of a composition is shown when that ends, by the keyboard or by leaving", async () => {
  const page = await open(FIELD);
  await adopt(page);
  const devtools = await page.context().newCDPSession(page);
  const compose = (text) => devtools.send("Input.imeSetComposition", { text, selectionStart: text.length, selectionEnd: text.length });
  const value = () => page.evaluate(() => $("input").value);
  await page.focus("input");
  await compose("ka");
  const last = await page.evaluate(() => sent.length);
  await page.evaluate((ack) => answer(ack, "server"), last);
  assert.match(await value(), /ka/);
  await page.evaluate(() => $("input").blur());
  assert.equal(await value(), "server");
  await page.focus("input");
  await compose("ki");
  // What is composed after the answer is newer, and is heard.
  await page.evaluate(() => answer(sent.length, "older"));
  await compose("kin");
  await devtools.send("Input.insertText", { text: "kino" });
  assert.match(await value(), /kino/);
  assert.match(await page.evaluate(() => sent.at(-1)[2]), /kino/);
  await page.evaluate(() => answer(sent.length, "newest"));
  assert.equal(await value(), "newest");
  await page.finish();
});

test("what was typed and is yet to be sent stays when the person leaves it, though the server has said something else", async () => {
  const page = await open(`<input value="old"><input><input type="number" value="1">`);
  await page.evaluate(() => {
    template(1, undefined, [["PROPERTY", [0], "value"], ["PROPERTY", [2], "value"]], { roots: 3 });
    program(["ROOT", true, [1, 1]]);
  });
  const say = (value) => page.evaluate((value) => program.answering(9, ["ATTRIBUTE", 1, 0, value], ["ATTRIBUTE", 1, 1, value]), value);
  const values = () => page.evaluate(() => [...view.children].map((one) => one.value));
  await page.focus("input");
  await page.keyboard.type("x");
  await say("5");
  await page.keyboard.press("Tab");
  assert.deepEqual(await values(), ["xold", "", "5"]);
  await page.focus("input");
  await page.keyboard.press("End");
  await page.keyboard.type("x");
  await say("6");
  await page.keyboard.type("y");
  await page.keyboard.press("Tab");
  assert.deepEqual(await values(), ["xoldxy", "", "6"]);
  await page.finish();
});

test("a choice whose option goes is the server's again, and another stays", async () => {
  const page = await open("");
  const state = () => page.evaluate(() => [...view.querySelectorAll("select")].map((one) => [...one.selectedOptions].map((option) => option.value).join()));
  await page.evaluate(() => {
    template(1, "<div><select><!></select><select multiple><!></select></div>", [["LIST", [0, 0, 0]], ["LIST", [0, 1, 0]]]);
    template(2, "<option><!></option>", [["BOOL_PROPERTY", [0], "selected"], ["SPLICE", [0, 0]]]);
    const options = (id) => ["a", "b", "c", "d"].map((text, index) => [id + index, 2, index === 1, text]);
    program(["ROOT", false, [1, 1, options(2), options(6)]]);
  });
  await page.selectOption("select >> nth=0", "c");
  await page.selectOption("select >> nth=1", ["c", "d"]);
  await page.evaluate(() => program(["REMOVE", 2], ["REMOVE", 6]));
  assert.deepEqual(await state(), ["c", "c,d"]);
  // One that comes selected is what the server says, which is older than the choice.
  await page.focus("select");
  await page.evaluate(() => program(["BUILD", 1, 0, 0, [20, 2, true, "e"]], ["REMOVE", 20]));
  await page.evaluate(() => program(["BUILD", 1, 0, 0, [21, 2, true, "e"]]));
  assert.deepEqual(await state(), ["c", "c,d"]);
  await page.evaluate(() => program(["REMOVE", 21]));
  await page.evaluate(() => program(["REMOVE", 4], ["REMOVE", 8]));
  assert.deepEqual(await state(), ["b", "d"]);
  await page.finish();
});

test("what an attribute only begins with is set by property or method", async () => {
  const page = await open("");
  const seen = await page.evaluate(async () => {
    template(1, `<div><video></video><audio></audio><dialog>modal</dialog><details>x</details><button>b</button></div>`, [
      ["FLAG", [0, 0], "muted"], ["FLAG", [0, 1], "muted"], ["FLAG", [0, 2], "open"], ["FLAG", [0, 3], "open"],
    ]);
    program(["ROOT", false, [1, 1, true, false, false, true]]);
    const state = () => [$("video").muted, $("audio").muted, $("dialog").open, $("details").open];
    const first = state();
    $("dialog").showModal();
    program(["FLAG", 1, 0, false], ["FLAG", 1, 1, true], ["FLAG", 1, 2, true], ["FLAG", 1, 3, false]);
    const second = state();
    const wasModal = $("dialog").matches(":modal");
    let closed = 0;
    $("dialog").addEventListener("close", () => closed++);
    program(["FLAG", 1, 2, false]);
    await new Promise((resolve) => setTimeout(resolve));
    $("button").focus();
    return [first, second, wasModal, $("dialog").open, $("dialog").matches(":modal"), closed, document.activeElement === $("button")];
  });
  assert.deepEqual(seen, [[true, false, false, true], [false, true, true, false], true, false, false, 1, true]);
  await page.finish();
});

test("what the server said of a radio button while the person chose another is shown when that is refused", async () => {
  const page = await open(`<input type="radio" name="n" value="a"><input type="radio" name="n" value="b"><input type="radio" name="n" value="c" checked>`);
  const seen = await page.evaluate(() => {
    const slots = [0, 1, 2].flatMap((index) => [["BOOL_PROPERTY", [index], "checked"], ["HANDLER", [index], "change"]]);
    template(1, undefined, slots, { roots: 3 });
    program(["ROOT", true, [1, 1]]);
    const state = () => [...view.children].map((one) => one.checked).join();
    const [a] = view.children;
    a.click();
    const states = [state()];
    // An answer to what was before the choice: b is chosen, and no more c.
    program.answering(0, ["FLAG", 1, 2, true], ["FLAG", 1, 4, false]);
    states.push(state());
    program.answering(1, ["FLAG", 1, 0, false]);
    states.push(state());
    return states;
  });
  assert.deepEqual(seen, ["true,false,false", "true,false,false", "false,true,false"]);
  await page.finish();
});

test("a box that was ticked stays so in a document that comes anew, and has the value that the server says", async () => {
  const page = await open(`<input type="checkbox"><input type="radio" name="n" value="old">`);
  const seen = await page.evaluate(() => {
    view.querySelectorAll("input").forEach((one) => one.click());
    view.prepend(document.createElement("b"));
    const slots = [0, 1].flatMap((index) => [["BOOL_PROPERTY", [index], "checked"], ["HANDLER", [index], "change"]]);
    template(1, `<input type="checkbox"><input type="radio" name="n" value="new">`, slots, { roots: 2 });
    const isAdopted = program(["ROOT", true, [1, 1]]);
    program(["ROOT", false, [1, 1, false, false]]);
    return [isAdopted, [...view.querySelectorAll("input")].map((one) => [one.checked, one.getAttribute("value")])];
  });
  assert.deepEqual(seen, [false, [[true, null], [true, "new"]]]);
  await page.finish();
});

test("a change that tells what the server had put there is a telling too: an older answer undoes nothing of it", async () => {
  const page = await open(`<input value="old">`);
  await page.evaluate(() => {
    template(1, undefined, [["PROPERTY", [0], "value"], ["HANDLER", [0], "input"], ["HANDLER", [0], "change"]]);
    program(["ROOT", true, [1, 1]]);
    window.answer = (ack, value) => (program.answering(ack, ["ATTRIBUTE", 1, 0, value]), $("input").value);
  });
  await page.press("input", "End");
  await page.type("input", "x");
  assert.equal(await page.evaluate(() => answer(1, "one")), "one");
  await page.evaluate(() => $("input").blur());
  assert.deepEqual(await page.evaluate(() => sent.map((event) => event.slice(1))), [[1, "oldx"], [2, "one"]]);
  assert.equal(await page.evaluate(() => answer(1, "pushed")), "one", "the server compares with what was told since");
  assert.equal(await page.evaluate(() => answer(2, "two")), "two");
  await page.finish();
});

test("bounds that come and go while a value is under way leave it, and so do those after", async () => {
  const page = await open(`<input type="range" min="0" value="50"><input type="range" min="0" value="50">`);
  await page.evaluate(() => {
    template(1, undefined, [
      ["PROPERTY", [0], "value"], ["ATTRIBUTE", [0], "min"], ["HANDLER", [0], "input"], ["ATTRIBUTE", [1], "min"], ["HANDLER", [1], "input"],
    ], { roots: 2 });
    program(["ROOT", true, [1, 1]]);
  });
  for (const field of await page.$$("input")) {
    await field.focus();
    await page.keyboard.press("ArrowLeft");
  }
  const values = await page.evaluate(() => {
    const bound = (ack, min) => {
      program.answering(ack, ["ATTRIBUTE", 1, 1, min], ["ATTRIBUTE", 1, 3, min]);
      return [...view.children].map((one) => one.value).join();
    };
    return [bound(0, "60"), bound(0, "0"), bound(2, "70"), bound(2, "0")];
  });
  // Of the second the server says no value: what the browser makes of the person's is the person's.
  assert.deepEqual(values, ["60,60", "49,60", "70,70", "49,70"]);
  await page.finish();
});

test("a reset shows what the server has taken, and of a field without a value of the server's what it was", async () => {
  const page = await open(
    `<form><input name="a" value="old"><textarea>old</textarea><input type="checkbox" checked><input type="checkbox"><input name="b" value="old"><input name="c" value="old"></form>`,
  );
  await page.evaluate(() => {
    template(1, undefined, [
      ["PROPERTY", [0, 0], "value"], ["HANDLER", [0, 0], "input"],
      ["PROPERTY", [0, 1], "value"], ["HANDLER", [0, 1], "change"],
      ["BOOL_PROPERTY", [0, 2], "checked"], ["HANDLER", [0, 2], "change"],
      ["PROPERTY", [0, 3], "value"], ["BOOL_PROPERTY", [0, 3], "checked"], ["HANDLER", [0, 3], "input"],
      ["HANDLER", [0, 4], "input"],
      ["PROPERTY", [0, 5], "value"],
    ]);
    program(["ROOT", true, [1, 1]]);
    window.state = () => [...$("form").elements].map((one) => (one.type === "checkbox" ? one.checked : one.value));
  });
  for (const name of ["[name=a]", "textarea", "[name=b]", "[name=c]"]) await page.fill(name, "new");
  await page.uncheck("[type=checkbox] >> nth=0");
  await page.check("[type=checkbox] >> nth=1");
  const seen = await page.evaluate(() => {
    // Older answers, of which the server takes back what was told since.
    program.answering(0, ["FLAG", 1, 4, true], ["FLAG", 1, 7, false], ["ATTRIBUTE", 1, 0, "older"]);
    const before = state();
    $("form").reset();
    return [before, state()];
  });
  assert.deepEqual(seen, [
    ["new", "new", false, true, "new", "new"],
    ["new", "new", false, true, "old", "old"],
  ]);
  await page.finish();
});

test("what was typed and taken back before anybody heard of it gives way to what the server has said meanwhile", async () => {
  const page = await open(`<input value="old">`);
  await page.evaluate(() => {
    template(1, undefined, [["PROPERTY", [0], "value"], ["HANDLER", [0], "change"]]);
    program(["ROOT", true, [1, 1]]);
  });
  await page.press("input", "End");
  await page.keyboard.type("xy");
  await page.evaluate(() => program(["ATTRIBUTE", 1, 0, "new"]));
  await page.keyboard.press("Backspace");
  await page.keyboard.press("Backspace");
  assert.equal(await page.inputValue("input"), "old");
  await page.keyboard.press("Tab");
  assert.deepEqual(await page.evaluate(() => [$("input").value, sent]), ["new", []]);
  await page.finish();
});

test("a field that gives way is written to by no answer that is older than what it has told", async () => {
  const page = await open(`<form><input name="a" value="old" data-lightspeed-force></form>`);
  await adopt(page);
  await page.press("input", "End");
  await page.type("input", "12");
  // The server takes "old12" as it is, so that it says nothing of it.
  assert.deepEqual(await page.evaluate(() => [answer(1, "one"), sent.at(-1)[2], answer(2, "two")]), ["old12", "old12", "two"]);
  await page.finish();
});

test("what a box stands for is the server's, though the person has just ticked it", async () => {
  const page = await open(`<input type="checkbox" value="old"><input type="radio" name="r" value="old">`);
  const values = await page.evaluate(() => {
    const slots = [0, 1].flatMap((index) => [["PROPERTY", [index], "value"], ["BOOL_PROPERTY", [index], "checked"], ["HANDLER", [index], "change"]]);
    template(1, undefined, slots, { roots: 2 });
    program(["ROOT", true, [1, 1]]);
    for (const one of view.children) one.click();
    program(["ATTRIBUTE", 1, 0, "new"], ["ATTRIBUTE", 1, 3, "new"]);
    return [...view.children].map((one) => [one.value, one.checked]);
  });
  assert.deepEqual(values, [["new", true], ["new", true]]);
  await page.finish();
});

test("what the server said while something was typed that nobody hears of is shown by nothing once it has said more", async () => {
  const page = await open(`<input value="old"><select><option>a</option><option>b</option></select>`);
  await page.evaluate(() => {
    template(1, undefined, [["PROPERTY", [0], "value"], ["BOOL_PROPERTY", [1, 0], "selected"]], { roots: 2 });
    program(["ROOT", true, [1, 1]]);
  });
  await page.focus("input");
  await page.keyboard.type("x");
  await page.evaluate(() => program(["ATTRIBUTE", 1, 0, "first"]));
  await page.keyboard.press("Tab");
  await page.evaluate(() => program(["ATTRIBUTE", 1, 0, "second"]));
  await page.focus("input");
  await page.focus("select");
  await page.keyboard.press("ArrowDown");
  await page.evaluate(() => program(["FLAG", 1, 1, true]));
  await page.focus("input");
  assert.deepEqual(await page.evaluate(() => [$("input").value, $("select").value, $("select").hasAttribute("selected")]), ["second", "b", false]);
  await page.finish();
});

test("what was typed into a document that comes anew is told when the person leaves it, by a change as well", async () => {
  const page = await open("");
  const build = (id) =>
    page.evaluate((id) => {
      template(1, `<input>`, [["PROPERTY", [0], "value"], ["HANDLER", [0], "change"]]);
      program(["ROOT", false, [id, 1, "old"]]);
      sent.splice(0);
    }, id);
  await build(1);
  await page.focus("input");
  await page.keyboard.type("x");
  await build(2);
  await page.evaluate(() => sent.splice(0));
  await page.keyboard.press("Tab");
  await page.focus("input");
  await page.keyboard.press("Tab");
  assert.deepEqual(await page.evaluate(() => sent.map(([id, slot, value]) => [id, slot, value.length])), [[2, 1, 4]]);
  await page.finish();
});

test("a reset is heard by the handlers that it happened among, though a patch comes before it is told", async () => {
  const page = await open("");
  await page.evaluate(async () => {
    template(1, "<form><!></form>", [["LIST", [0, 0]]]);
    template(2, `<input value="old">`, [["HANDLER", [0], "input"]]);
    program(["ROOT", false, [1, 1, [[2, 2]]]]);
    window.WebSocket = class {
      close() {}
      constructor() {
        window.socket = this;
      }
    };
    client.machine.message = () => program(["REMOVE", 2], ["BUILD", 1, 0, 0, [3, 2]]);
    client.link.connect();
    $("input").value = "new";
    $("form").reset();
    socket.onmessage({ data: new Uint8Array([1]).buffer });
    await new Promise((resolve) => setTimeout(resolve));
  });
  assert.deepEqual(await page.evaluate(() => [sent, $("input").value]), [[[2, 0, "old"]], "old"]);
  await page.finish();
});

test("a reset in a link that has gone since is told to nobody", async () => {
  const page = await open(`<div><a href="/elsewhere"><form><input value="old"></form></a></div>`);
  await page.evaluate(async () => {
    template(1, undefined, [["HANDLER", [0], "input"]]);
    program(["ROOT", true, [1, 1]]);
    $("input").value = "new";
    $("form").reset();
    // A link's `host` is a part of its address, and not the element around a shadow tree.
    $("a").remove();
    await new Promise((resolve) => setTimeout(resolve));
  });
  assert.deepEqual(await page.evaluate(() => [sent, view.innerHTML]), [[], "<div></div>"]);
  await page.finish();
});
