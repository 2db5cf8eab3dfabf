// The nodes of instances that were built, while something else changes the document: whatever it does, events and
// patches reach the nodes that were built.

import assert from "node:assert/strict";
import { test } from "node:test";
import { open } from "./harness.mjs";

/** A document with a list of 30 rows, 2 to 31: a class, a text, a handler, an attribute, a text beside a handler. */
const rows = () => {
  window.template(1, "<ul><!></ul>", [["LIST", [0, 0]]]);
  window.template(2, `<li><b><!></b><a>one</a><i></i><p>-<!><a>two</a></p></li>`, [
    ["CLASS", [0], "on"],
    ["SPLICE", [0, 0, 0]],
    ["HANDLER", [0, 1], "click"],
    ["ATTRIBUTE", [0, 2], "title"],
    ["SPLICE", [0, 3, 1]],
    ["HANDLER", [0, 3, 2], "click"],
  ]);
  window.row = (id) => [id, 2, false, `text ${id}`, null, id % 3 ? `more ${id}` : null];
  window.build = () => window.program(["ROOT", false, [1, 1, Array.from({ length: 30 }, (_, index) => window.row(index + 2))]]);
  window.build();
  window.rowAt = (id) => window.$(`li:nth-child(${id - 1})`);
};

/** What others do to a row: a translator, an extension, a library of the page. */
const CHANGES = {
  "nothing": () => {},
  "another link comes first": (row) => row.prepend(document.createElement("a")),
  "a link comes into each place": (row) => row.querySelectorAll("*").forEach((one) => one.before(document.createElement("a"))),
  "a handler is wrapped": (row) => {
    const [one] = row.querySelectorAll("a");
    const wrapper = document.createElement("span");
    one.replaceWith(wrapper);
    wrapper.append(one);
  },
  "the handlers change places": (row) => {
    const [one, two] = row.querySelectorAll("a");
    const mark = new Comment();
    two.replaceWith(mark);
    one.replaceWith(two);
    mark.replaceWith(one);
  },
  "a handler leaves the view": (row) => document.body.append(row.querySelector("a")),
  "the row leaves the view, and changes there": async (row) => {
    document.body.append(row);
    await new Promise(requestAnimationFrame);
    row.prepend(document.createElement("a"));
    row.append(row.querySelector("a"));
  },
  "the list goes, changes and comes back": async (row) => {
    const list = row.parentNode;
    const view = list.parentNode;
    list.remove();
    await new Promise(requestAnimationFrame);
    row.insertBefore(row.lastChild, row.firstChild);
    await new Promise(requestAnimationFrame);
    view.append(list);
  },
  "texts are translated": (row) => {
    for (const one of row.querySelectorAll("b, a")) {
      const font = document.createElement("font");
      font.append(...one.childNodes);
      one.replaceChildren(font);
    }
  },
  "texts are joined": (row) => row.normalize(),
  "texts are parted": (row) => row.querySelector("p").firstChild.splitText(0),
};

for (const [name, change] of Object.entries(CHANGES)) {
  for (const waits of [false, true]) {
    test(`${name}: clicks reach their handlers ${waits ? "later" : "at once"}`, async () => {
      const page = await open("");
      await page.evaluate(rows);
      await page.evaluate(
        async ([change, waits]) => {
          const row = window.rowAt(7);
          const [one, two] = row.querySelectorAll("a");
          const changing = new Function(`return ${change}`)()(row);
          // To wait for nothing would be long enough for the observer.
          if (changing) await changing;
          if (waits) await new Promise(requestAnimationFrame);
          for (const link of [two, one]) link.click();
          for (const link of window.view.querySelectorAll("a")) if (row.contains(link) && link !== one && link !== two) link.click();
        },
        [`${change}`, waits],
      );
      assert.deepEqual(await page.evaluate(() => sent), [[7, 5, null], [7, 2, null]]);
      await page.finish();
    });
  }
}

test("a patch reaches the nodes that were built, whatever stands before them now", async () => {
  const page = await open("");
  await page.evaluate(rows);
  const seen = await page.evaluate(() => {
    const row = window.rowAt(7);
    row.querySelectorAll("*").forEach((one) => one.before("(", document.createElement("b"), ")"));
    window.program(["TEXT", 7, 1, "new"], ["ATTRIBUTE", 7, 3, "title"], ["FLAG", 7, 0, true], ["SPLICE", 7, 4, 4, 2, "!"], ["TEXT", 4, 4, "none before"]);
    return [row.outerHTML, window.rowAt(4).querySelector("p").textContent];
  });
  assert.deepEqual(seen, [
    '<li class="on">(<b></b>)<b>new</b>(<b></b>)<a>one</a>(<b></b>)<i title="title"></i>(<b></b>)<p>-more!(<b></b>)<a>two</a></p></li>',
    "-none beforetwo",
  ]);
  await page.finish();
});

test("a text that was empty comes and goes where nothing else is", async () => {
  const page = await open("");
  const seen = await page.evaluate(() => {
    template(1, "<p><b><!></b></p>", [["SPLICE", [0, 0, 0]]]);
    program(["ROOT", false, [1, 1, null]]);
    const html = [view.innerHTML];
    for (const value of ["new", null, "again"]) {
      program(["TEXT", 1, 0, value]);
      html.push(view.innerHTML);
    }
    return html;
  });
  assert.deepEqual(seen, ["<p><b></b></p>", "<p><b>new</b></p>", "<p><b></b></p>", "<p><b>again</b></p>"]);
  await page.finish();
});

test("a custom element may rearrange the rows while they are put in", async () => {
  const page = await open("");
  await page.evaluate(rows);
  const seen = await page.evaluate(() => {
    customElements.define(
      "x-mixer",
      class extends HTMLElement {
        connectedCallback() {
          const row = window.rowAt(7);
          row.prepend(row.lastChild, document.createElement("i"));
        }
      },
    );
    window.template(3, "<li><x-mixer></x-mixer></li>", []);
    window.template(4, "<ul><!></ul>", [["LIST", [0, 0]]]);
    // In one program: what has just run is known when the attribute is set.
    window.program(["BUILD", 1, 0, 0, [60, 3]], ["ATTRIBUTE", 7, 3, "title"]);
    window.rowAt(7).querySelector("p a").click();
    return window.rowAt(7).innerHTML;
  });
  assert.equal(seen, '<p>-more 7<a>two</a></p><i></i><b>text 7</b><a>one</a><i title="title"></i>');
  assert.deepEqual(await page.evaluate(() => sent), [[7, 5, null]]);
  await page.finish();
});

test("a custom element may change itself, and what is beside it, while it is built", async () => {
  const page = await open("");
  const seen = await page.evaluate(() => {
    customElements.define(
      "x-card",
      class extends HTMLElement {
        static observedAttributes = ["title"];
        attributeChangedCallback() {
          this.prepend(document.createElement("h2"));
          this.after("beside");
        }
      },
    );
    template(1, "<ul><!></ul>", [["LIST", [0, 0]]]);
    template(2, "<x-card><button>x</button><b><!></b></x-card>", [["ATTRIBUTE", [0], "title"], ["HANDLER", [0, 0], "click"], ["SPLICE", [0, 1, 0]]]);
    program(["ROOT", false, [1, 1, Array.from({ length: 30 }, (_, index) => [index + 2, 2, "title", null])]]);
    program(["TEXT", 5, 2, "text"]);
    const card = view.querySelectorAll("x-card")[3];
    card.querySelector("button").click();
    return [card.innerHTML, view.querySelectorAll("x-card").length];
  });
  assert.deepEqual(seen, ["<h2></h2><button>x</button><b>text</b>", 30]);
  assert.deepEqual(await page.evaluate(() => sent), [[5, 1, null]]);
  await page.finish();
});

test("a list that is emptied takes nothing with it, though another library took one of its items", async () => {
  const page = await open("");
  const seen = await page.evaluate(() => {
    template(1, "<ul><li>static</li><!></ul>", [["LIST", [0, 1]]]);
    template(2, "<li><!></li>", [["SPLICE", [0, 0]]]);
    program(["ROOT", false, [1, 1, [[2, 2, "a"], [3, 2, "b"], [4, 2, "c"]]]]);
    $("ul").children[2].remove();
    program(["EMPTY", 1, 0]);
    return view.innerHTML;
  });
  assert.equal(seen, "<ul><li>static</li></ul>");
  await page.finish();
});

test("in 400 random orders of changes, those of others and of patches, clicks and patches reach the nodes that were built", async () => {
  const page = await open("");
  await page.evaluate(rows);
  const [clicks, patches] = await page.evaluate(async () => {
    const { OWNER } = await import("/src/core/document.js");
    let state = 1;
    const random = (below) => (state = (state * 48271) % 2147483647) % below;
    const pick = (list) => list[random(list.length)];
    /** The nodes of the slots, as the template's paths have them now. */
    const walked = (row) => {
      const [b, a, i, p] = row.children;
      return [row, b.firstChild, a, i, p.childNodes[1], p.lastChild];
    };
    const shelf = document.createElement("div");
    const alien = () => Object.assign(document.createElement(pick(["a", "b", "i", "p"])), { textContent: "alien" });
    const changes = {
      insert: (node, other) => other.before(alien()),
      text: (node) => node.nodeType === 1 && node.append("alien"),
      remove: (node) => node.remove(),
      shelve: (node) => shelf.append(node),
      unshelve: () => shelf.firstChild && window.$("ul").append(shelf.firstChild),
      move: (node, other) => !node.contains(other) && other.before(node),
      within: (node, other) => other.nodeType === 1 && !node.contains(other) && other.append(node),
      wrap: (node) => {
        const one = alien();
        node.replaceWith(one);
        one.append(node);
      },
      normalize: (node) => node.normalize(),
      reverse: (node) => node.replaceChildren?.(...[...node.childNodes].reverse()),
      replace: (node) => node.replaceWith(alien()),
    };
    let clicks = 0;
    let patches = 0;
    for (let round = 0; round < 400; round++) {
      shelf.replaceChildren();
      window.build();
      const expected = new Map([...window.view.querySelectorAll("li")].map((row) => [row.querySelector("a")[OWNER], walked(row)]));
      for (let left = random(12); left >= 0; left--) {
        const nodes = [...expected.values()].slice(0, 4).flat().flatMap((node) => (node?.parentNode ? [node, ...node.childNodes] : []));
        if (!nodes.length) break;
        const name = pick(Object.keys(changes));
        const [node, other] = [pick(nodes), pick(nodes)];
        if (other.parentNode && node.parentNode) changes[name](node, other);
        const id = 2 + random(6);
        const own = random(8);
        if (own === 0) window.program(["FLAG", id, 0, true], ["TEXT", id, 1, "new"], ["ATTRIBUTE", id, 3, "title"]);
        if (own === 1) window.client.foreign.note();
        if (own === 2) document.dispatchEvent(new Event("click"));
        if (own === 3) await Promise.resolve();
        if (own === 4) await new Promise((resolve) => setTimeout(resolve));
      }
      for (const [instance, nodes] of expected) {
        for (const slot of [2, 5]) {
          if (!window.view.contains(nodes[slot])) continue;
          clicks++;
          window.sent.length = 0;
          nodes[slot].click();
          if (`${window.sent}` !== `${[instance.id, slot, null]}`) throw new Error(`round ${round}: ${instance.id}, ${slot}: ${window.sent}`);
        }
        const text = nodes[1];
        if (!window.view.contains(text)) continue;
        // What can't be put back is asked for anew.
        if (!window.program(["TEXT", instance.id, 1, "patched"])) break;
        patches++;
        if (text.data !== "patched" || !window.view.contains(text)) throw new Error(`round ${round}: ${instance.id}: ${text.data}`);
      }
    }
    return [clicks, patches];
  });
  // Most are still in the page.
  assert.ok(clicks > 400 * 30 && patches > 400 * 15, `${[clicks, patches]}`);
  await page.finish();
});

test("what a program removes stays away, though the field in it tells of its edit in the midst of that", async () => {
  const page = await open("");
  await page.evaluate(() => {
    template(1, "<p><!></p><b><!></b>", [["BRANCH", [0, 0]], ["SPLICE", [1, 0]]], { roots: 2 });
    template(2, "<div><!> and <!></div>", [["SPLICE", [0, 0]], ["BRANCH", [0, 2]]]);
    template(3, "<i></i><input>", [["HANDLER", [1], "input"], ["HANDLER", [1], "change"]], { roots: 2 });
    program(["ROOT", false, [1, 1, [[2, 2, "a", [[3, 3]]]], "b"]]);
    $("input").focus();
  });
  await page.keyboard.type("x");
  const seen = await page.evaluate(() => {
    program(["EMPTY", 2, 1]);
    program(["TEXT", 2, 0, "changed"]);
    return [view.querySelectorAll("input, i").length, $("div").textContent];
  });
  assert.deepEqual(seen, [0, "changed and "]);
  await page.finish();
});
