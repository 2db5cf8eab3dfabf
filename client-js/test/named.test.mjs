// Fields that are called like a property of their form, and images and forms that are called like one of the document's.

import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { test } from "node:test";
import { open } from "./harness.mjs";

const FOLDER = new URL("../src/", import.meta.url);
const files = (await readdir(FOLDER, { recursive: true })).filter((name) => name.endsWith(".js"));
const sources = await Promise.all(files.map((name) => readFile(new URL(name, FOLDER), "utf8")));
/** All words of the client's source, among them every property that it reads. */
const words = [...new Set(sources.join().match(/[A-Za-z_$]\w+/g))];

/** Those of `words` that are properties of a `kind`, its prototypes' included. */
const namesOf = (page, kind) =>
  page.evaluate(([kind, words]) => words.filter((word) => word in self[kind].prototype), [kind, words]);

/** Playwright asks forms by their properties, too: these are done in the page. */
const inPage = (page) =>
  page.evaluate(() => {
    window.type = (field, value) => {
      field.focus();
      field.value = value;
      field.dispatchEvent(new Event("input", { bubbles: true }));
    };
    window.active = () => Document.prototype.__lookupGetter__("activeElement").call(document);
  });

test("a form whose fields are called like its properties is built, changed, moved, heard and removed", async () => {
  const page = await open("");
  await inPage(page);
  const names = await namesOf(page, "HTMLFormElement");
  for (const name of ["elements", "matches", "parentNode", "closest", "firstChild", "nextSibling", "classList", "requestSubmit", "remove"])
    assert.ok(names.includes(name), name);
  const seen = await page.evaluate((names) => {
    const fields = names.map((name) => `<input name="${name}">`).join("");
    template(1, "<div><!></div>", [["LIST", [0, 0]]]);
    template(2, `<form><input class="value"><input type="checkbox"><button>go</button><b><!></b>${fields}</form>`, [
      ["HANDLER", [0], "submit"], ["CLASS", [0], "on"], ["FLAG", [0], "novalidate"], ["ATTRIBUTE", [0], "title"],
      ["PROPERTY", [0, 0], "value"], ["HANDLER", [0, 0], "input"], ["BOOL_PROPERTY", [0, 1], "checked"], ["HANDLER", [0, 2], "click"], ["SPLICE", [0, 3, 0]],
    ]);
    // The form itself is what holds the slot.
    template(3, `<form>${fields}<!></form>`, [["HANDLER", [0], "change"], ["LIST", [0, names.length]]]);
    template(4, "<p><!></p>", [["SPLICE", [0, 0]]]);
    template(5, "<form><!></form>", [["SPLICE", [0, 0]]]);
    const row = (id) => [id, 2, true, true, `t${id}`, `v${id}`, true, `s${id}`];
    const many = Array.from({ length: 30 }, (_, index) => row(20 + index));
    program(["ROOT", false, [1, 1, [row(2), row(3), [10, 3, [[11, 4, "p"], [12, 4, "q"]]], [15, 5, "text"]]]]);
    program(["BUILD", 1, 0, 3, ...many]);
    program(["MOVE", 3, 2], ["FLAG", 2, 1, false], ["FLAG", 2, 2, false], ["ATTRIBUTE", 2, 3, null], ["ATTRIBUTE", 2, 4, "changed"]);
    program(["MOVE", 12, 11], ["REMOVE", 11], ["BUILD", 10, 1, 0, [13, 4, "r"]], ["TEXT", 2, 8, "text"], ["REMOVE", 25], ["TEXT", 15, 0, "other"]);
    const forms = [...view.querySelectorAll("form")];
    const third = forms.find((one) => one.outerHTML.includes("s3"));
    type(third.querySelector(".value"), "typed");
    third.querySelector("button").click();
    const second = forms.find((one) => one.outerHTML.includes("<b>text"));
    const state = [
      forms.length,
      second.outerHTML.split(">")[0],
      second.querySelector(".value").value,
      [...view.querySelectorAll("p")].map((one) => one.textContent),
      forms[0] === third,
      sent.map(([instance, slot, value]) => [instance, slot, typeof value]),
    ];
    program(["EMPTY", 10, 1], ["EMPTY", 1, 0]);
    return [...state, view.innerHTML];
  }, names);
  assert.deepEqual(seen, [
    33, `<form class=""`, "changed", ["q", "r"], true, [[3, 5, "string"], [3, 7, "object"], [3, 0, "string"]], "<div></div>",
  ]);
  assert.equal(new URL(page.url()).search, "");
  await page.finish();
});

test("a form whose fields are called like its properties is adopted, submitted early, reset, and loses the focus to a neighbour", async () => {
  const page = await open("");
  await inPage(page);
  const names = await namesOf(page, "HTMLFormElement");
  await page.evaluate((names) => {
    const fields = names.map((name) => `<input name="${name}">`).join("");
    const row = `<li><form><input class="value" value="old"><button>go</button>${fields}</form></li>`;
    view.innerHTML = `<ul>${row}${row}</ul>`;
    type($(".value"), "early");
    $("button").click();
    template(1, undefined, [["LIST", [0, 0]]], { like: "<ul><!></ul>" });
    template(2, undefined, [["HANDLER", [0, 0], "submit"], ["HANDLER", [0, 0, 0], "input"]], { like: row });
    program(["ROOT", true, [1, 1, [[2, 2], [3, 2]]]]);
  }, names);
  const heard = () => page.evaluate(() => sent.splice(0).map(([instance, slot, text]) => [instance, slot, text.split("=")[0]]));
  assert.deepEqual(await heard(), [[2, 1, "early"], [2, 0, names[0]]]);
  await page.evaluate(() => HTMLFormElement.prototype.reset.call($("form")));
  await page.waitForFunction(() => sent.length);
  assert.deepEqual(await heard(), [[2, 1, "old"]]);
  const isNext = await page.evaluate(() => {
    $("button").focus();
    program(["REMOVE", 2]);
    return active() === $("button");
  });
  assert.ok(isNext);
  await page.finish();
});

test("what is called like a property of the document hides nothing of it", async () => {
  const page = await open("");
  const names = await namesOf(page, "Document");
  for (const name of ["activeElement", "body", "documentElement", "createElement", "importNode", "querySelectorAll", "addEventListener"])
    assert.ok(names.includes(name), name);
  await page.evaluate((names) => {
    document.querySelector("meta").insertAdjacentHTML("afterend", names.map((name) => `<img name="${name}"><form name="${name}"></form><embed name="${name}">`).join(""));
  }, names);
  assert.deepEqual(await page.evaluate(() => [document.body instanceof HTMLBodyElement, typeof document.importNode]), [false, "object"]);
  await page.evaluate((names) => {
    template(1, `<div><ul><!></ul><input type="radio" name="r"><input type="radio" name="r"></div>`, [
      ["LIST", [0, 0, 0]], ["BOOL_PROPERTY", [0, 1], "checked"], ["BOOL_PROPERTY", [0, 2], "checked"], ["HANDLER", [0, 2], "change"],
    ]);
    template(2, `<li><input><button><!></button></li>`, [["PROPERTY", [0, 0], "value"], ["HANDLER", [0, 1], "click"], ["SPLICE", [0, 1, 0]]]);
    program(["ROOT", false, [1, 1, [[2, 2, "a", "x"], [3, 2, "b", "y"]], true, false]]);
  }, names);
  await page.click("button >> nth=1");
  await page.click("[type=radio] >> nth=1");
  await page.evaluate(() => program.answering(2, ["FLAG", 1, 2, false]));
  assert.deepEqual(await page.evaluate(() => [...view.querySelectorAll("[type=radio]")].map((one) => one.checked)), [true, false]);
  await page.focus("button >> nth=1");
  await page.evaluate(() => program(["REMOVE", 3]));
  assert.equal(await page.evaluate(() => Document.prototype.__lookupGetter__("activeElement").call(document) === $("button")), true);
  assert.deepEqual(await page.evaluate(() => sent), [[3, 1, null], [1, 3, "on"]]);
  // Those parts of the client that a page without a server doesn't run: its entry, and how its links are told.
  await page.evaluate(async () => {
    const { viewsIn } = await import("/src/core/page.js");
    const { encode } = await import("/src/core/text.js");
    if (viewsIn(document).length !== 1) throw new Error("views");
    client.state(1, 1);
    client.refused(1, encode("told"));
  });
  assert.equal(await page.evaluate(() => Document.prototype.__lookupGetter__("documentElement").call(document).className), "lightspeed-connected");
  await page.finish();
});

test("each module imports what it calls of another", () => {
  const exported = [...new Set(sources.flatMap((source) => [...source.matchAll(/^export (?:const|function|class) (\w+)/gm)].map(([, name]) => name)))];
  const [natural] = sources.filter((source) => source.includes("export const ["));
  exported.push(...natural.match(/export const \[([^\]]+)\]/)[1].match(/\w+/g));
  for (const name of ["ask", "closest", "putBack"]) assert.ok(exported.includes(name), name);
  const missing = sources.flatMap((source, index) => {
    const code = source.replace(/\/\*[^]*?\*\/|\/\/.*/g, "");
    const own = [...code.matchAll(/import \{([^}]*)\}|export const \[([^\]]+)\]/g)].flatMap(([, ...lists]) => lists.join().match(/\w+/g));
    const isKnown = (name) => own.includes(name) || new RegExp(`(const|let|function|class|\\*) ${name}\\b|\\(${name}\\)`).test(code);
    return exported.filter((name) => new RegExp(`(?<![.\\w])${name}\\(`).test(code) && !isKnown(name)).map((name) => `${files[index]}: ${name}`);
  });
  assert.deepEqual(missing, []);
});

test("a form that ends with a field called like what puts an empty part in is adopted, and the part comes later", async () => {
  for (const name of ["insertBefore", "childNodes", "appendChild", "append", "firstChild", "lastChild"]) {
    const page = await open(`<form><input name="${name}"></form>`);
    const seen = await page.evaluate((name) => {
      template(1, `<form><!><input name="${name}"></form>`, [["BRANCH", [0, 0]], ["HANDLER", [0, 1], "input"]], { like: `<form><!><input name="${name}"></form>` });
      template(2, "<b><!></b>", [["SPLICE", [0, 0]]]);
      const isAdopted = program(["ROOT", true, [1, 1, []]]);
      program(["BUILD", 1, 0, 0, [2, 2, "part"]]);
      return [isAdopted, view.innerHTML];
    }, name);
    assert.deepEqual(seen, [true, `<form><b>part</b><input name="${name}"></form>`]);
    await page.finish();
  }
});
