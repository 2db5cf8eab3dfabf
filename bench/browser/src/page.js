// What runs in every contender's page, before anything of its own: it notes when messages come,
// clicks, waits until the document is right, and looks whether all of it is.
//
// This file is read as text: it must name nothing outside itself.

(() => {
  /** When each message came: before the contender's own listeners hear of it. */
  let arrivals = [];
  const NativeWebSocket = window.WebSocket;
  window.WebSocket = class WebSocket extends NativeWebSocket {
    constructor(...parameters) {
      super(...parameters);
      this.addEventListener("message", () => arrivals.push(performance.now()));
    }
  };

  /** The memory of the page's module, which is no part of JavaScript's heap. */
  let memory;
  const instantiateStreaming = WebAssembly.instantiateStreaming;
  WebAssembly.instantiateStreaming = async (...parameters) => {
    const loaded = await instantiateStreaming.apply(WebAssembly, parameters);
    memory = Object.values(loaded.instance.exports).find((one) => one instanceof WebAssembly.Memory);
    return loaded;
  };

  /** The same for all, so that the same work is laid out the same way. */
  const STYLE = `
    body { font-family: sans-serif }
    table { border-collapse: collapse; width: 100% }
    td { padding: 8px; border-top: 1px solid #ddd }
    tr.danger td { background: #f2dede }
    a { cursor: pointer }
    .glyphicon-remove::before { content: "x" }
  `;

  const tbody = () => document.querySelector("#tbody");
  const count = () => tbody().childElementCount;
  const idOf = (row) => Number(row.children[0].textContent);
  const labelOf = (row) => row.children[1].textContent;
  /** What a person sees: id, label, whether the row is selected. */
  const read = () => [...tbody().children].map((row) => [idOf(row), labelOf(row), row.className === "danger"]);

  const SELECT = "#tbody > :nth-child(5) > :nth-child(2) > a";
  const REMOVE = "#tbody > :nth-child(5) > :nth-child(3) > a";

  const fresh = (rows, expected) => {
    if (rows.length !== expected) return `${rows.length} rows`;
    for (const [index, [id, label, isSelected]] of rows.entries()) {
      if (id !== rows[0][0] + index) return `row ${index} has the id ${id}`;
      if (!/^[a-z]+ [a-z]+ [a-z]+$/.test(label)) return `row ${index} says ${label}`;
      if (isSelected) return `row ${index} is selected`;
    }
  };
  const same = (rows, expected) => {
    if (rows.length !== expected.length) return `${rows.length} rows`;
    const index = rows.findIndex((row, index) => row.join() !== expected[index].join());
    if (index >= 0) return `row ${index} is ${rows[index]} and not ${expected[index]}`;
  };

  // `isDone` is asked whenever the document has changed, so it looks at little; `check` looks at
  // all, outside of what is timed, and says what is wrong.
  const OPERATIONS = {
    create: {
      click: "#run",
      isDone: () => count() === 1000,
      check: (_, after) => fresh(after, 1000),
    },
    replace: {
      click: "#run",
      isDone: (before) => count() === 1000 && idOf(tbody().firstElementChild) !== before[0][0] && idOf(tbody().lastElementChild) !== before[999][0],
      check: (before, after) => fresh(after, 1000) ?? (after[0][0] !== before[999][0] + 1 ? `ids begin with ${after[0][0]}` : undefined),
    },
    append: {
      click: "#add",
      isDone: () => count() === 2000,
      check: (before, after) => same(after.slice(0, 1000), before) ?? fresh(after, 2000),
    },
    update: {
      click: "#update",
      isDone: () => labelOf(tbody().children[0]).endsWith(" !!!") && labelOf(tbody().children[990]).endsWith(" !!!"),
      check: (before, after) => same(after, before.map(([id, label, selected], index) => [id, index % 10 ? label : `${label} !!!`, selected])),
    },
    select: {
      click: SELECT,
      isDone: () => tbody().children[4].className === "danger",
      check: (before, after) => same(after, before.with(4, [...before[4].slice(0, 2), true])),
    },
    swap: {
      click: "#swaprows",
      isDone: (before) => idOf(tbody().children[1]) === before[998][0] && idOf(tbody().children[998]) === before[1][0],
      check: (before, after) => same(after, before.with(1, before[998]).with(998, before[1])),
    },
    remove: {
      click: REMOVE,
      isDone: () => count() === 999,
      check: (before, after) => same(after, before.toSpliced(4, 1)),
    },
    clear: {
      click: "#clear",
      isDone: () => count() === 0,
      check: (_, after) => same(after, []),
    },
    create10k: {
      click: "#runlots",
      isDone: () => count() === 10_000,
      check: (_, after) => fresh(after, 10_000),
    },
  };

  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  const WATCHED = { subtree: true, childList: true, characterData: true, attributes: true };
  const WITHIN_MS = 30_000;

  let before;

  window.bench = {
    /** When the page's messages came, of late. */
    get messages() {
      return arrivals.length;
    },

    get moduleBytes() {
      return memory?.buffer.byteLength ?? 0;
    },

    /** Gives the page the common style. */
    prepare() {
      for (const sheet of document.styleSheets) sheet.disabled = true;
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(STYLE);
      document.adoptedStyleSheets = [sheet];
      return crossOriginIsolated;
    },

    /** Reads the rows and lets the page come to rest. */
    async settle() {
      before = read();
      await frame();
      await frame();
    },

    /** Clicks; gives the milliseconds to each stage. */
    async measure(name) {
      const { click, isDone } = OPERATIONS[name];
      const target = document.querySelector(click);
      let changed;
      const whole = new Promise((resolve, reject) => {
        const observer = new MutationObserver(() => {
          if (!isDone(before)) return;
          changed = performance.now();
          observer.disconnect();
          clearTimeout(late);
          resolve();
        });
        const late = setTimeout(() => reject(new Error(`${name}: the document is not right after ${WITHIN_MS} ms`)), WITHIN_MS);
        observer.observe(document.body, WATCHED);
      });
      arrivals = [];
      const clicked = performance.now();
      target.click();
      await whole;
      await frame();
      await frame();
      const painted = performance.now();
      const arrived = arrivals[0];
      return { changed: changed - clicked, arrived: arrived - clicked, client: changed - arrived, painted: painted - clicked };
    },

    /** What is wrong with the document after the operation, if anything. */
    check: (name) => OPERATIONS[name].check(before, read()),

    /** Clicks a counter as soon as the contender says it can, and gives the milliseconds since the navigation began. */
    async start(ready) {
      const at = {};
      await new Promise((resolve, reject) => {
        const look = () => {
          if (!at.ready && document.querySelector(ready)) {
            at.ready = performance.now();
            document.querySelector("#inc").click();
          }
          if (at.ready && document.querySelector("#count").textContent === "1") {
            at.handled = performance.now();
            observer.disconnect();
            clearTimeout(late);
            resolve();
          }
        };
        const late = setTimeout(() => reject(new Error("no click was handled")), WITHIN_MS);
        const observer = new MutationObserver(look);
        observer.observe(document, WATCHED);
        look();
      });
      // A page may have nothing to paint before its socket has brought it.
      while (!(at.painted = performance.getEntriesByName("first-contentful-paint")[0]?.startTime)) await frame();
      return at;
    },
  };
})();
