import assert from "node:assert/strict";
import { test } from "node:test";
import { open } from "./harness.mjs";

test("the closest handler takes a click, and gone or disabled elements take none", async () => {
  const page = await open(`<div><p><b>x</b></p><button>y</button><i>z</i></div>`);
  await page.evaluate(() => {
    template(1, undefined, [["HANDLER", [0], "click"], ["HANDLER", [0, 0], "click"], ["FLAG", [0, 1], "disabled"], ["HANDLER", [0, 1], "click"], ["BRANCH", [0, 2]]], {
      like: "<div><p><b>x</b></p><button>y</button><!></div>",
    });
    template(2, undefined, [["HANDLER", [0], "click"]], { like: "<i>z</i>" });
    program(["ROOT", true, [1, 1, [[2, 2]]]]);
  });
  await page.click("b");
  await page.click("button");
  await page.click("i");
  await page.evaluate(() => {
    // One that removes its target while the event is on its way, and one that another library took.
    $("i").addEventListener("click", () => program(["EMPTY", 1, 4]));
    $("p").addEventListener("click", (event) => event.currentTarget.remove());
  });
  await page.click("i");
  await page.click("b");
  await page.evaluate(() => program(["FLAG", 1, 2, true]));
  await page.evaluate(() => $("button").dispatchEvent(new MouseEvent("click", { bubbles: true })));
  await page.click("div");
  assert.deepEqual(await page.evaluate(() => sent), [[1, 1, null], [1, 3, null], [2, 0, null], [1, 0, null]]);
  await page.finish();
});

test("fields and forms send what they hold", async () => {
  const page = await open(
    `<form id="f"><input name="a" value="1 &amp; 2"><input type="file" name="file"><button name="do" value="it">go</button></form>` +
      `<input form="f" name="outside" value="ä"><input type="checkbox"><select multiple name="m"><option value="x">x</option><option>y z</option></select><select><option>p</option><option>q</option></select>`,
  );
  await page.evaluate(() => {
    template(1, undefined, [
      ["HANDLER", [0], "submit"],
      ["HANDLER", [0], "input"],
      ["HANDLER", [2], "change"],
      ["HANDLER", [3], "input"],
      ["HANDLER", [4], "change"],
    ], { roots: 5 });
    program(["ROOT", true, [1, 1]]);
  });
  await page.click("button");
  await page.fill("form > input", "new");
  await page.check("[type=checkbox]");
  await page.selectOption("select >> nth=0", ["x", "y z"]);
  await page.selectOption("select >> nth=1", "q");
  assert.deepEqual(await page.evaluate(() => sent), [
    [1, 0, "a=1+%26+2&do=it&outside=%C3%A4"],
    [1, 1, "a=new&outside=%C3%A4"],
    [1, 2, true],
    [1, 3, "m=x&m=y+z"],
    [1, 4, "q"],
  ]);
  assert.equal(new URL(page.url()).search, "", "the form was not sent by the browser");
  await page.finish();
});

test("an event that isn't taken is told beside the form that it is of, or else in the page", async () => {
  const page = await open(
    `<form id="f"><textarea name="form"></textarea><output data-lightspeed-message></output></form>` +
      `<form id="g"><input></form><p data-lightspeed-message></p>`,
  );
  await page.evaluate(async () => {
    template(1, undefined, [["HANDLER", [0], "submit"], ["HANDLER", [0, 0], "input"], ["HANDLER", [1], "submit"]], { roots: 3 });
    program(["ROOT", true, [1, 1]]);
    window.refuse = (session) => client.refused(session, new TextEncoder().encode("too large"));
    window.told = [];
    document.addEventListener("lightspeed:refused", ({ target, detail }) => told.push([target.localName, target.id, detail]));
    window.texts = () => [...document.querySelectorAll("[data-lightspeed-message]")].map((one) => one.textContent);
  });
  await page.fill("textarea", "much");
  assert.deepEqual(await page.evaluate(() => texts()), ["too large", ""]);
  await page.evaluate(() => ($("output").textContent = ""));
  await page.evaluate(() => HTMLFormElement.prototype.requestSubmit.call($("#g")));
  assert.deepEqual(await page.evaluate(() => texts()), ["too large", "too large"], "it has no place of its own: everywhere");
  const told = await page.evaluate(() => told);
  assert.deepEqual(told, [["textarea", "", "too large"], ["form", "g", "too large"]]);
  await page.finish();
});

test("keys go out with their modifiers", async () => {
  const page = await open(`<input>`);
  await page.evaluate(() => {
    template(1, undefined, [["HANDLER", [0], "keydown"]]);
    program(["ROOT", true, [1, 1]]);
  });
  await page.focus("input");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Control+Shift+ArrowDown");
  await page.evaluate(() => $("input").dispatchEvent(new KeyboardEvent("keydown", { key: "a", isComposing: true, bubbles: true })));
  const keys = (await page.evaluate(() => sent)).map((event) => event[2]);
  assert.deepEqual(keys, ["0Enter", "2Control", "3Shift", "3ArrowDown"]);
  await page.finish();
});

test("a link with a handler stays on the page, unless it is opened elsewhere", async () => {
  const page = await open(`<a href="#gone">x</a><a href="#new" target="_blank" rel="noopener">y</a><div><a href="#inner">z</a></div>`);
  await page.evaluate(() => {
    template(1, undefined, [["HANDLER", [0], "click"], ["HANDLER", [1], "click"], ["HANDLER", [2], "click"]], { roots: 3 });
    program(["ROOT", true, [1, 1]]);
    window.prevented = [];
    addEventListener("click", (event) => {
      window.prevented.push(event.defaultPrevented);
      event.preventDefault();
    });
    for (const modifier of ["ctrlKey", "none"]) {
      for (const link of view.querySelectorAll("a")) {
        link.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, [modifier]: true }));
      }
    }
  });
  assert.deepEqual(await page.evaluate(() => [sent, window.prevented]), [
    [[1, 2, null], [1, 0, null], [1, 2, null]],
    [false, false, false, true, false, false],
  ]);
  await page.finish();
});

test("what happens before the document begins is handled when it does", async () => {
  const page = await open(`<form><input name="a"></form><button>b</button><input id="s"><form id="plain" action="/plain"><button>p</button></form>`);
  await page.fill("#s", "typed early");
  await page.press("form > input", "Enter");
  await page.click("button >> nth=0");
  assert.deepEqual(await page.evaluate(() => sent), []);
  await page.evaluate(() => {
    template(1, undefined, [["HANDLER", [0], "submit"], ["HANDLER", [1], "click"], ["PROPERTY", [2], "value"], ["HANDLER", [2], "input"]], { roots: 4 });
    program(["ROOT", true, [1, 1]]);
  });
  assert.deepEqual(await page.evaluate(() => sent), [[1, 3, "typed early"], [1, 0, "a="], [1, 1, null]]);
  assert.equal(await page.inputValue("#s"), "typed early");
  // A form without a handler is the browser's.
  await page.click("#plain button");
  await page.waitForURL("**/plain?");
  await page.close();
});

test("an event that a patch causes goes out after the patch", async () => {
  const page = await open(`<p>x</p><button>b</button>`);
  const order = await page.evaluate(async () => {
    template(1, undefined, [["SPLICE", [0, 0]], ["HANDLER", [1], "click"], ["CLASS", [1], "x"]], { roots: 2 });
    customElements.define("x-click", class extends HTMLElement {
      connectedCallback() {
        $("button").click();
        window.during = sent.length;
      }
    });
    program(["ROOT", true, [1, 1, []]]);
    program(["EMPTY", 1, 0], ["HTML", 1, 0, "<x-click></x-click>"]);
    await null;
    return [window.during, sent];
  });
  assert.deepEqual(order, [0, [[1, 1, null]]]);
  await page.finish();
});

test("every kind of link with a handler stays on the page, unless it is opened elsewhere", async () => {
  const page = await open(
    `<map name="m"><area href="#a"></map><svg><a xlink:href="#b"><text>b</text></a><a href="#c"></a></svg><a href="#d" target="_SELF">d</a><a href="#e" target="_top">e</a><a href="#f" target="_Parent">f</a>` +
      `<a href="#g" target="other">g</a><a href="#h" download>h</a><a href="#i" target="_BLANK">i</a><a>j</a><math><mi href="#k">k</mi></math><label><input type="checkbox"></label><details><summary>l</summary></details>`,
  );
  const seen = await page.evaluate(() => {
    const elements = [...view.querySelectorAll("area,a,mi,label,summary")];
    const path = (node) => (node === view ? [] : [...path(node.parentNode), [...node.parentNode.childNodes].indexOf(node)]);
    template(1, undefined, elements.map((one) => ["HANDLER", path(one), "click"]), { roots: view.childNodes.length });
    program(["ROOT", true, [1, 1]]);
    addEventListener("click", (event) => {
      window.wasPrevented = event.defaultPrevented;
      event.preventDefault();
    });
    const click = (element, init) => {
      const before = sent.length;
      element.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, composed: true, ...init }));
      return [sent.length > before, window.wasPrevented].map(Number).join("");
    };
    const shadow = document.createElement("x-y");
    view.querySelector("[href='#d']").append(shadow);
    shadow.attachShadow({ mode: "open" }).innerHTML = "<i></i>";
    // Within a link that is in a shadow tree around it.
    const label = $("label");
    const around = document.createElement("x-z");
    label.replaceWith(around);
    around.append(label);
    around.attachShadow({ mode: "open" }).innerHTML = `<a href="#z"><slot></slot></a>`;
    return [
      elements.map((one) => click(one)).join(" "),
      elements.map((one) => click(one, { ctrlKey: true })).join(" "),
      click(shadow.shadowRoot.firstChild),
    ];
  });
  // Heard, and not the browser's: area, svg a twice, _SELF, _top, _Parent; neither: other, download, _BLANK; a without href; mi; label; summary.
  assert.deepEqual(seen, [
    "11 11 11 11 11 11 00 00 00 10 11 11 10",
    "00 00 00 00 00 00 00 00 00 10 00 00 10",
    "11",
  ]);
  await page.finish();
});

test("a form that closes its dialog closes it, and is heard, early as well", async () => {
  const html = `<dialog open><form method="dialog"><input name="a" value="1"><button value="x">b</button></form><form action="/plain"><button formmethod="dialog">c</button></form><form method="DIALOG"><button>d</button></form></dialog>`;
  for (const isEarly of [true, false]) {
    const page = await open(html);
    const seen = await page.evaluate(async (isEarly) => {
      const dialog = $("dialog");
      const begin = async () => {
        template(1, undefined, [["HANDLER", [0, 0], "submit"], ["HANDLER", [0, 1], "submit"]]);
        program(["ROOT", true, [1, 1]]);
        await null;
      };
      if (!isEarly) await begin();
      const closed = [];
      for (const button of view.querySelectorAll("button")) {
        dialog.open || dialog.showModal();
        button.click();
        closed.push(dialog.open);
      }
      if (isEarly) await begin();
      return [closed, dialog.returnValue, sent];
    }, isEarly);
    assert.deepEqual(seen, [[false, false, false], "x", [[1, 0, "a=1"], [1, 1, ""]]]);
    await page.finish();
  }
});
