// What is adopted is what the template says, whatever something else has done to the page before: each handler is on
// the element that it was written for, or the document is asked for anew and nothing of the page is heard.

import assert from "node:assert/strict";
import { test } from "node:test";
import { open } from "./harness.mjs";

const PAGE =
  `<div><p>Count: <!>1<!> times</p><button>delete</button><button>save</button><svg><a></a></svg><svg><a></a></svg>` +
  `<ul><li><button>x</button>one</li><li><button>x</button>two</li></ul></div>`;

/** The same as templates: a count, two buttons, two links without a word, and a list with a button in each item. */
const templates = () => {
  window.template(
    1,
    undefined,
    [
      ["SPLICE", [0, 0, 2]],
      ["HANDLER", [0, 1], "click"],
      ["HANDLER", [0, 2], "click"],
      ["HANDLER", [0, 3, 0], "click"],
      ["HANDLER", [0, 4, 0], "click"],
      ["LIST", [0, 5, 0]],
    ],
    { like: `<div><p>Count: <!><!><!> times</p><button>delete</button><button>save</button><svg><a></a></svg><svg><a></a></svg><ul><!></ul></div>` },
  );
  window.template(2, undefined, [["HANDLER", [0, 0], "click"], ["SPLICE", [0, 1]]], { like: "<li><button>x</button><!></li>" });
  window.adopt = () => window.program(["ROOT", true, [1, 1, [], [[2, 2, []], [3, 2, []]]]]);
};


/** What others do to the page before it is adopted, and whether it can be adopted all the same. */
const CHANGES = {
  "nothing": [true, () => {}],
  "a comment comes before each node": [true, (view) => view.querySelectorAll("*").forEach((one) => one.before(new Comment(" theirs ")))],
  "a comment comes first and last": [
    true,
    (view) => [view, ...view.querySelectorAll("*")].forEach((one) => one.localName === "button" || (one.prepend(new Comment("a")), one.append(new Comment("z")))),
  ],
  "attributes come": [true, (view) => view.querySelectorAll("*").forEach((one) => one.setAttribute("data-theirs", ""))],
  "a comment parts a static text": [false, (view) => view.querySelector("p").firstChild.splitText(3).before(new Comment("theirs"))],
  "a comment parts a dynamic text": [false, (view) => (view.querySelector("p").childNodes[2].data = "10", view.querySelector("p").childNodes[2].splitText(1).before(new Comment("theirs")))],
  "an empty comment comes before a text": [false, (view) => view.querySelector("p").prepend(new Comment())],
  "a mark of raw HTML comes before a text": [false, (view) => view.querySelector("p").prepend(new Comment("["))],
  "a button comes first": [false, (view) => view.querySelector("div").prepend(document.createElement("button"))],
  "a button comes between": [false, (view) => view.querySelectorAll("button")[0].after(document.createElement("button"))],
  "a button comes last": [false, (view) => view.querySelector("div").append(document.createElement("button"))],
  "an element comes before the view's": [false, (view) => view.prepend(document.createElement("div"))],
  "an element comes after the view's": [false, (view) => view.append(document.createElement("div"))],
  "a button becomes another": [false, (view) => view.querySelector("button").replaceWith(document.createElement("button"))],
  "buttons change places": [false, (view) => view.querySelectorAll("button")[1].after(view.querySelector("button"))],
  "a button goes": [false, (view) => view.querySelector("button").remove()],
  "a clone without attributes takes a button's place, and another comes last": [
    false,
    (view) => {
      const [one] = view.querySelectorAll("button");
      one.remove();
      view.querySelector("div").append(document.createElement("button"));
    },
  ],
  "a link comes before one without a word": [false, (view) => view.querySelector("a").before(view.querySelector("a").cloneNode())],
  "a text is wrapped": [false, (view) => { const font = document.createElement("font"); view.querySelector("p").firstChild.replaceWith(font); font.append("Count: "); }],
  "a dynamic text is wrapped": [false, (view) => { const font = document.createElement("font"); const text = view.querySelector("p").childNodes[2]; text.replaceWith(font); font.append(text); }],
  "a button's text is wrapped": [true, (view) => { const font = document.createElement("font"); const [one] = view.querySelectorAll("button"); font.append(...one.childNodes); one.append(font); }],
  "a button's text is translated": [false, (view) => (view.querySelector("button").firstChild.data = "löschen")],
  "texts are joined, separators lost": [false, (view) => (view.querySelector("p").textContent = "Count: 1 times")],
  "a row comes first": [false, (view) => view.querySelector("ul").prepend(document.createElement("li"))],
  "a clone of a row comes last": [false, (view) => view.querySelector("ul").append(view.querySelector("li").cloneNode(true))],
  "a row goes": [false, (view) => view.querySelector("li").remove()],
  "a text comes between rows": [false, (view) => view.querySelector("li").after("text")],
  "all is wrapped": [false, (view) => { const body = document.createElement("tbody"); body.append(...view.childNodes); view.append(body); }],
  "all goes": [false, (view) => view.replaceChildren()],
};

for (const [name, [isAdopted, change]] of Object.entries(CHANGES)) {
  test(`${name}: ${isAdopted ? "it is adopted" : "it is asked for anew"}`, async () => {
    const page = await open(PAGE);
    const seen = await page.evaluate(
      ([templates, change]) => {
        const own = [...window.view.querySelectorAll("button,a")];
        new Function(`return ${change}`)()(window.view);
        new Function(`return ${templates}`)()();
        const isAdopted = window.adopt();
        for (const one of [...own, ...window.view.querySelectorAll("button,a")]) one.dispatchEvent(new MouseEvent("click", { bubbles: true }));
        if (isAdopted) window.program(["TEXT", 1, 0, "2"], ["TEXT", 3, 1, "2nd"]);
        return [isAdopted, sent.length ? sent.slice(0, 6).map(([instance, slot]) => [instance, slot]) : [], window.view.textContent];
      },
      [`${templates}`, `${change}`],
    );
    const handlers = [[1, 1], [1, 2], [1, 3], [1, 4], [2, 0], [3, 0]];
    assert.equal(seen[0], isAdopted);
    assert.deepEqual(seen[1], isAdopted ? handlers : []);
    if (isAdopted) assert.match(seen[2], /^Count: 2 times.*x2nd$/);
    await page.finish();
  });
}

test("buttons are told apart by what they hold and by their marks", async () => {
  for (const [one, two] of [
    ["<button>a</button>", "<button>b</button>"],
    ["<button><b>a</b></button>", "<button><i>b</i></button>"],
    [`<button id="a"></button>`, `<button id="b"></button>`],
    [`<button name="a"></button>`, `<button name="b"></button>`],
    [`<button title="a"></button>`, `<button title="b"></button>`],
    [`<button aria-label="a"></button>`, `<button aria-label="b"></button>`],
    [`<a href="a">x</a>`, `<a href="b">x</a>`],
    [`<input type="button">`, `<input type="submit">`],
    [`<input type="radio" value="a">`, `<input type="radio" value="b">`],
  ]) {
    const page = await open(`<p>${two}${one}</p>`);
    const isAdopted = await page.evaluate((like) => {
      window.template(1, undefined, [["HANDLER", [0, 0], "click"], ["HANDLER", [0, 1], "click"]], { like });
      return window.program(["ROOT", true, [1, 1]]);
    }, `<p>${one}${two}</p>`);
    assert.equal(isAdopted, false, `${one} ${two}`);
    await page.finish();
  }
});

test("what its own slots say of an element is not looked at, and a custom element may fill itself", async () => {
  const page = await open(`<x-y><b>own</b></x-y><input id="dynamic" value="1"><textarea>text</textarea>`);
  const isAdopted = await page.evaluate(() => {
    const slots = [
      ["HANDLER", [0], "click"],
      ["ATTRIBUTE", [1], "id"],
      ["PROPERTY", [1], "value"],
      ["HANDLER", [1], "input"],
      ["PROPERTY", [2], "value"],
      ["HANDLER", [2], "input"],
    ];
    template(1, undefined, slots, { roots: 3, like: "<x-y></x-y><input><textarea></textarea>" });
    return program(["ROOT", true, [1, 1]]);
  });
  assert.equal(isAdopted, true);
  await page.finish();
});

test("a shadow root that the parser took the template of is noticed", async () => {
  const page = await open("");
  const isAdopted = await page.evaluate(() => {
    view.setHTMLUnsafe(`<x-card><template shadowrootmode="open"><slot></slot></template><button>delete</button><button>save</button></x-card>`);
    const like = "<x-card><template></template><button>delete</button><button>save</button></x-card>";
    template(1, undefined, [["HANDLER", [0, 1], "click"], ["HANDLER", [0, 2], "click"]], { like });
    const isAdopted = program(["ROOT", true, [1, 1]]);
    view.querySelectorAll("button").forEach((one) => one.click());
    return [isAdopted, sent.length];
  });
  assert.deepEqual(isAdopted, [false, 0]);
  await page.finish();
});

test("a document that is asked for anew keeps what was typed, the focus, and clicks of its own", async () => {
  const page = await open(`<form><input name="n"><button>save</button></form>`);
  const seen = await page.evaluate(async () => {
    const html = `<form><input name="n"><button>save</button></form>`;
    // Typed before any script heard of it.
    $("input").value = "typed";
    $("input").focus();
    $("input").setSelectionRange(2, 4);
    $("form").prepend(document.createElement("button"));
    template(1, html, [["PROPERTY", [0, 0], "value"], ["HANDLER", [0, 0], "input"], ["HANDLER", [0, 1], "click"]]);
    const isAdopted = program(["ROOT", true, [1, 1]]);
    program(["ROOT", false, [1, 1, null]]);
    await 0;
    const input = $("input");
    $("button").type = "button";
    $("button").click();
    return [isAdopted, input.value, document.activeElement === input, input.selectionStart, input.selectionEnd, sent];
  });
  assert.deepEqual(seen, [false, "typed", true, 2, 4, [[1, 1, "typed"], [1, 2, null]]]);
  await page.finish();
});

test("a custom element that fills itself when it is made takes no handler of ours", async () => {
  const page = await open("");
  const seen = await page.evaluate(() => {
    const fill = (host) => host.prepend(document.createElement("button"));
    customElements.define("x-made", class extends HTMLElement { constructor() { super(); fill(this); } });
    customElements.define("x-put", class extends HTMLElement { connectedCallback() { fill(this); } });
    customElements.define("x-button", class extends HTMLButtonElement { constructor() { super(); fill(this); } }, { extends: "button" });
    template(1, "<ul><!></ul>", [["LIST", [0, 0]]]);
    const slots = [["HANDLER", [0, 0], "click"], ["SPLICE", [0, 1, 0]]];
    template(2, "<x-made><a>own</a><b><!></b></x-made>", slots);
    template(3, "<x-put><a>own</a><b><!></b></x-put>", slots);
    template(4, `<button is="x-button"><a>own</a><b><!></b></button>`, slots);
    program(["ROOT", false, [1, 1, [[2, 2, "1"], [3, 3, "2"], [4, 4, "3"]]]]);
    program(["TEXT", 2, 1, "one"], ["TEXT", 3, 1, "two"], ["TEXT", 4, 1, "three"]);
    view.querySelectorAll("button:not([is]), a").forEach((one) => one.dispatchEvent(new MouseEvent("click", { bubbles: true })));
    return [sent, [...view.querySelectorAll("b")].map((one) => one.textContent), view.querySelectorAll("button:not([is])").length];
  });
  assert.deepEqual(seen, [[[2, 0, null], [3, 0, null], [4, 0, null]], ["one", "two", "three"], 3]);
  await page.finish();
});
