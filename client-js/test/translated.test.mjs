// Something else takes nodes of a document away, wraps them or changes their texts after it has begun: a page
// translator, an extension. What the server says from then on is seen, and nothing beside it is touched.

import assert from "node:assert/strict";
import { test } from "node:test";
import { open } from "./harness.mjs";

/** What translators do to the texts within an element. */
const TRANSLATORS = {
  "wraps each text": (root) => {
    for (const text of texts(root)) {
      const font = wrapper();
      text.replaceWith(font);
      font.firstChild.append(text);
    }
  },
  "replaces each text": (root) => {
    for (const text of texts(root)) {
      const font = wrapper();
      font.firstChild.append(`[${text.data}]`);
      text.replaceWith(font);
    }
  },
  "joins texts in a row": (root) => {
    for (const text of texts(root)) {
      if (!text.isConnected) continue;
      const row = [...text.parentNode.childNodes].filter((node) => node.nodeType !== 1);
      const font = wrapper();
      font.firstChild.append(`[${row.map((node) => (node.nodeType === 3 ? node.data : "")).join("")}]`);
      text.before(font);
      for (const node of row) if (node.nodeType === 3) node.remove();
    }
  },
  "joins texts in a row, comments too": (root) => {
    for (const text of texts(root)) {
      if (!text.isConnected) continue;
      const row = [...text.parentNode.childNodes].filter((node) => node.nodeType !== 1);
      const font = wrapper();
      font.firstChild.append(...row.map((node) => node.data));
      text.before(font);
      for (const node of row) node.remove();
    }
  },
  "wraps texts in a row together": (root) => {
    for (const text of texts(root)) {
      if (text.parentNode.localName === "font") continue;
      const row = [...text.parentNode.childNodes].filter((node) => node.nodeType !== 1);
      const font = wrapper();
      text.before(font);
      font.firstChild.append(...row);
    }
  },
  "changes texts in place": (root) => {
    for (const text of texts(root)) text.data = `[${text.data}]`;
  },
  "moves all that is said to the first text": (root) => {
    for (const element of root.querySelectorAll("*")) {
      const [one, ...more] = [...element.childNodes].filter((node) => node.nodeType === 3);
      if (!more.length) continue;
      one.data = `[${[one, ...more].map((node) => node.data).join("")}]`;
      for (const node of more) node.data = "";
    }
  },
  "sets the text of each element that holds texts": (root) => {
    for (const element of root.querySelectorAll("*")) {
      if (!element.children.length && element.textContent) element.textContent = `[${element.textContent}]`;
    }
  },
  "joins neighbours": (root) => root.normalize(),
  "replaces each element by a copy": (root) => {
    for (const element of [...root.children]) element.replaceWith(element.cloneNode(true));
  },
  "writes all anew": (root) => {
    const { innerHTML } = root;
    root.innerHTML = innerHTML;
  },
  "takes all away": (root) => root.replaceChildren(),
};

const HELPERS = `
  window.wrapper = () => {
    const font = document.createElement("font");
    font.append(document.createElement("font"));
    return font;
  };
  window.texts = (root) => {
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    const all = [];
    while (walker.nextNode()) if (walker.currentNode.data.trim()) all.push(walker.currentNode);
    return all;
  };
`;

/** A price alone in its element, in a mixed text, in rows with a handler, beside an `@if`, and in an attribute. */
const build = () => {
  template(
    1,
    `<main><b><!></b><p>Now <!><!><!> only</p><p title="t">Tip</p><ul><!></ul><section>If: <!><!></section></main>`,
    [
      ["SPLICE", [0, 0, 0]],
      ["SPLICE", [0, 1, 2]],
      ["ATTRIBUTE", [0, 2], "title"],
      ["LIST", [0, 3, 0]],
      ["BRANCH", [0, 4, 2]],
    ],
  );
  template(2, `<li><a>buy</a> for <!><!></li>`, [["HANDLER", [0, 0], "click"], ["SPLICE", [0, 3]]]);
  template(3, `<i>yes</i>`, []);
  program(["ROOT", false, [1, 1, "10", "10", "one", [2, 3, 4].map((id) => [id, 2, `${id}0`]), []]]);
};

/** Patches, each with what is seen of it within the document, and what isn't any more. */
const PATCHES = {
  "a text alone": [[["TEXT", 1, 0, "11"]], "b", "11"],
  "a text among others": [[["TEXT", 1, 1, "12"]], "p", "Now 12 only"],
  "a part of a text": [[["SPLICE", 1, 1, 1, 1, "3"]], "p", "Now 13 only"],
  "an attribute": [[["ATTRIBUTE", 1, 2, "two"]], "p[title=two]", null],
  "a text of an item": [[["TEXT", 3, 1, "31"]], "li:nth-of-type(2)", "buy for 31"],
  "a new item": [[["BUILD", 1, 3, 3, [9, 2, "90"]]], "li:nth-of-type(2)", "buy for 90"],
  "an item that moves": [[["MOVE", 2, 0], ["TEXT", 2, 1, "21"]], "li:nth-of-type(3)", "buy for 21"],
  "an item that goes": [[["REMOVE", 2], ["TEXT", 3, 1, "31"]], "li:nth-of-type(1)", "buy for 31"],
  "items that all go": [[["EMPTY", 1, 3], ["BUILD", 1, 3, 0, [9, 2, "90"]]], "li", "buy for 90"],
  "a branch": [[["BUILD", 1, 4, 0, [9, 3]]], "section", null],
};

for (const [name, translate] of Object.entries(TRANSLATORS)) {
  for (const isFound of [true, false]) {
    test(`it ${name}, and patches of what was ${isFound ? "found before" : "yet to be found"} are seen`, async () => {
      const page = await open("");
      await page.evaluate(HELPERS);
      for (const [patch, [codes, selector, expected]] of Object.entries(PATCHES)) {
        await page.evaluate(build);
        const [isMended, text] = await page.evaluate(
          async ([translate, codes, selector, isFound]) => {
            if (isFound) program(["TEXT", 1, 0, "10"], ["TEXT", 3, 1, "30"]);
            new Function(`return ${translate}`)()($("main"));
            if (isFound) await new Promise(requestAnimationFrame);
            return [program(...codes), $(selector)?.textContent.replace(/[[\]]/g, "")];
          },
          [`${translate}`, codes, selector, isFound],
        );
        assert.equal(isMended, true, `${patch} is mended where it is`);
        if (expected === null) assert.notEqual(text, undefined, patch);
        else assert.equal(text, expected, patch);
      }
      await page.finish();
    });
  }
}

test("what is beside a text that is put back stays as it is", async () => {
  const page = await open("");
  const seen = await page.evaluate(() => {
    template(1, "<p>Price <input><!><!><!> <em>x</em></p>", [["SPLICE", [0, 3]]]);
    program(["ROOT", false, [1, 1, "10"]]);
    const [input, em] = [$("input"), $("em")];
    input.focus();
    const blurred = [];
    input.addEventListener("blur", () => blurred.push("blur"));
    const font = document.createElement("font");
    font.append("Preis ");
    $("p").firstChild.replaceWith(font);
    const other = document.createElement("font");
    other.append("10 Euro");
    const text = [...$("p").childNodes].find((node) => node.data === "10");
    text.replaceWith(other);
    const isMended = program(["TEXT", 1, 0, "11"]);
    return [isMended, $("p").textContent, $("input") === input && $("em") === em, document.activeElement === input, blurred];
  });
  assert.deepEqual(seen, [true, "Price 11 x", true, true, []]);
  await page.finish();
});

test("elements that another library moved elsewhere stay there, and get what the server says", async () => {
  const page = await open("");
  const seen = await page.evaluate(async () => {
    template(1, "<main><dialog><b><!></b></dialog></main>", [["ATTRIBUTE", [0, 0], "title"], ["SPLICE", [0, 0, 0, 0]]]);
    program(["ROOT", false, [1, 1, "t", "10"]]);
    const dialog = $("dialog");
    document.body.append(dialog);
    await new Promise(requestAnimationFrame);
    const isApplied = program(["ATTRIBUTE", 1, 0, "u"], ["TEXT", 1, 1, "11"]);
    return [isApplied, dialog.parentNode === document.body, dialog.title, dialog.textContent];
  });
  assert.deepEqual(seen, [true, true, "u", "11"]);
  await page.finish();
});

test("what can't be put back is asked for anew", async () => {
  const page = await open("");
  const seen = await page.evaluate(() => {
    customElements.define("x-taker", class extends HTMLElement { connectedCallback() { this.parentNode.querySelector("b").remove(); } });
    template(1, "<main><b><!></b><!></main>", [["SPLICE", [0, 0, 0]], ["BRANCH", [0, 1]]]);
    template(2, "<x-taker></x-taker>", []);
    program(["ROOT", false, [1, 1, "10", []]]);
    // While the program runs, what it changes can't be told from what others do.
    return [program(["BUILD", 1, 1, 0, [2, 2]], ["TEXT", 1, 0, "11"]), program(["ROOT", false, [3, 1, "11", []]]), view.textContent];
  });
  assert.deepEqual(seen, [false, true, "11"]);
  await page.finish();
});

test("a translation in place of a text that is edited is not edited", async () => {
  const page = await open("");
  const seen = await page.evaluate(() => {
    template(1, "<p><!></p>", [["SPLICE", [0, 0]]]);
    program(["ROOT", false, [1, 1, "The price is 10 crowns"]]);
    $("p").firstChild.data = "Preis: 10 Kronen";
    program(["SPLICE", 1, 0, 13, 2, "11"]);
    return $("p").textContent;
  });
  assert.equal(seen, "The price is 11 crowns");
  await page.finish();
});
