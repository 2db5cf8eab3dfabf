// What stands within an element has the namespace that a parser gives it there, however it comes to be there: with the
// page, by a component that is spliced in later, or as raw HTML.

import assert from "node:assert/strict";
import { test } from "node:test";
import { open } from "./harness.mjs";

/** Parents, as the outermost and its innermost element; and the namespace of what a person puts into them. */
const PARENTS = [
  ["<div>", "xhtml"],
  ["<svg>", "svg"],
  ["<svg><g>", "svg"],
  ["<svg><a>", "svg"],
  ["<svg><foreignObject>", "xhtml"],
  ["<svg><foreignObject><p>", "xhtml"],
  ["<svg><title>", "xhtml"],
  ["<svg><desc>", "xhtml"],
  ["<svg><foreignObject><svg>", "svg"],
  ["<math>", "MathML"],
  ["<math><mrow>", "MathML"],
  ["<math><mtext>", "xhtml"],
  ["<math><mi>", "xhtml"],
  ["<math><mo>", "xhtml"],
  ["<math><mn>", "xhtml"],
  ["<math><ms>", "xhtml"],
  ["<math><annotation-xml>", "MathML"],
  [`<math><annotation-xml encoding="text/html">`, "xhtml"],
  [`<math><annotation-xml encoding="application/xhtml+xml">`, "xhtml"],
  [`<math><annotation-xml encoding="MathML-Content">`, "MathML"],
  ["<math><mtext><svg>", "svg"],
];

const CHILDREN = ["<a><circle></circle></a>", "<mark>m</mark>", "<lineargradient></lineargradient>", "<x>1<y>2</y></x>", "<mglyph></mglyph>"];

for (const [start, namespace] of PARENTS) {
  test(`within ${start} it is ${namespace}`, async () => {
    const page = await open("");
    const results = await page.evaluate(
      ([start, children, namespace]) => {
        const names = start.match(/<[\w-]+/g).map((name) => name.slice(1));
        const end = names.map((name) => `</${name}>`).reverse().join("");
        const path = names.map(() => 0);
        const shape = (node) => [node.namespaceURI?.split("/").at(-1), node.localName, node.data, [...node.childNodes].map(shape)];
        const inner = () => path.reduce((node, index) => node.childNodes[index], view);
        const nodes = () => JSON.stringify([...inner().childNodes].filter((one) => one.nodeType === 1).map(shape));
        template(1, `${start}<!>${end}`, [["SPLICE", [...path, 0]]]);
        const results = [];
        let fingerprint = 10;
        for (const child of children) {
          template(++fingerprint, child, []);
          // One within nothing of its own: the parent is two instances further out.
          template(++fingerprint, `<!><!>`, [["SPLICE", [1]]], { roots: 2 });
          view.innerHTML = `${start}${child}${end}`;
          const parsed = nodes();
          const isAdopted = program(["ROOT", true, [1, 1, [[2, fingerprint - 1]]]]);
          const seen = {};
          seen.adopted = nodes();
          program(["EMPTY", 1, 0], ["BUILD", 1, 0, 0, [3, fingerprint - 1]]);
          seen.built = nodes();
          program(["EMPTY", 1, 0], ["BUILD", 1, 0, 0, [4, fingerprint, [[5, fingerprint - 1]]]]);
          seen.nested = nodes();
          program(["EMPTY", 1, 0], ["HTML", 1, 0, child]);
          seen.raw = nodes();
          program(["EMPTY", 1, 0], ["BUILD", 1, 0, 0, [6, fingerprint, { html: child }]]);
          seen["nested raw"] = nodes();
          program(["ROOT", false, [7, 1, [[8, fingerprint - 1]]]]);
          seen["all anew"] = nodes();
          const differing = Object.entries(seen).filter(([, one]) => one !== parsed);
          if (child.startsWith("<x>") && !parsed.startsWith(`[["${namespace}"`)) differing.push(parsed);
          results.push([child, isAdopted, differing]);
        }
        return results;
      },
      [start, CHILDREN, namespace],
    );
    for (const [child, isAdopted, differing] of results) assert.deepEqual([isAdopted, differing], [true, []], child);
    await page.finish();
  });
}

test("a list of many, in two parents of different namespaces", async () => {
  const page = await open("");
  const seen = await page.evaluate(() => {
    template(1, "<div><svg><!></svg><p><!></p></div>", [["LIST", [0, 0, 0]], ["LIST", [0, 1, 0]]]);
    template(2, "<a><text><!></text><!></a>", [["SPLICE", [0, 0, 0]], ["SPLICE", [0, 1]]]);
    const items = (first) => Array.from({ length: 30 }, (_, index) => [first + index, 2, "", `t${index}`]);
    program(["ROOT", false, [1, 1, items(2), items(32)]]);
    program(["TEXT", 2, 0, "b"], ["TEXT", 32, 0, "b"], ["BUILD", 1, 0, 0, [62, 2, "x", null]], ["BUILD", 1, 1, 0, [63, 2, "x", null]]);
    const of = (selector) => `${[...new Set([...view.querySelectorAll(selector)].map((one) => one.namespaceURI.split("/").at(-1)))]}`;
    return [of("svg a, svg a *"), of("p a, p a *"), $("svg").textContent === $("p").textContent, $("svg").textContent.slice(0, 5)];
  });
  assert.deepEqual(seen, ["svg", "xhtml", true, "bt0t1"]);
  await page.finish();
});

test("what no parser leaves within SVG is asked for anew once, and is what was written then", async () => {
  const page = await open("<svg><p>text</p></svg>");
  const seen = await page.evaluate(() => {
    template(1, "<svg><!></svg>", [["SPLICE", [0, 0]]]);
    template(2, "<p><!></p>", [["SPLICE", [0, 0]]]);
    const results = [program(["ROOT", true, [1, 1, [[2, 2, []]]]]), program(["ROOT", false, [3, 1, [[4, 2, "text"]]]]), program(["TEXT", 4, 0, "new"])];
    return [results, view.textContent];
  });
  assert.deepEqual(seen, [[false, true, true], "new"]);
  await page.finish();
});

test("what breaks out of SVG can be built all the same", async () => {
  const page = await open("");
  const seen = await page.evaluate(() => {
    template(1, "<svg><!></svg>", [["LIST", [0, 0]]]);
    template(2, "<a><b><!></b></a>", [["SPLICE", [0, 0, 0]]]);
    const results = [program(["ROOT", false, [1, 1, [[2, 2, "one"]]]]), program(["TEXT", 2, 0, "new"])];
    return [results, view.innerHTML];
  });
  assert.deepEqual(seen, [[true, true], "<svg><a><b>new</b></a></svg>"]);
  await page.finish();
});
