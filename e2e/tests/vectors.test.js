// Runs specs/vectors in the shipped client: a page with one live view, and a WebSocket that
// plays the frames. The DOM then is what each vector says.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { after, before, test } from "node:test";

import { browser as launch } from "../fixture.js";

const root = new URL("../../", import.meta.url);
const vectors = JSON.parse(await readFile(new URL("specs/vectors/frames.json", root), "utf8"));

let server;
let browser;
let origin;

before(async () => {
  const types = { js: "text/javascript", wasm: "application/wasm" };
  server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url, "http://localhost");
    if (pathname.startsWith("/lightspeed/x/")) {
      const name = pathname.slice("/lightspeed/x/".length);
      response.setHeader("content-type", types[name.split(".").pop()] ?? "text/plain");
      response.end(await readFile(new URL(`runtime/server/assets/client/${name}`, root)));
    } else if (pathname === "/fake.js") {
      response.setHeader("content-type", "text/javascript");
      response.end(`(${fakeSocket})();`);
    } else {
      const vector = vectors[Number(searchParams.get("vector"))];
      response.setHeader("content-type", "text/html; charset=utf-8");
      response.end(
        `<!DOCTYPE html><meta charset="utf-8"><link rel="icon" href="data:,"><script src="/fake.js"></script>` +
          `<script type="module" src="/lightspeed/x/client.js"></script>` +
          `<lightspeed-view data-session="t">${vector?.page ?? ""}</lightspeed-view>`,
      );
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${server.address().port}`;
  browser = await launch();
});

after(async () => {
  await browser?.close();
  server?.close();
});

// Runs in the page, before the client: a WebSocket whose other end is the test.
function fakeSocket() {
  window.sent = [];
  window.WebSocket = class extends EventTarget {
    constructor() {
      super();
      this.readyState = 0;
      window.socket = this;
      setTimeout(() => {
        this.readyState = 1;
        this.emit("open", new Event("open"));
      });
    }
    emit(type, event) {
      this.dispatchEvent(event);
      this[`on${type}`]?.(event);
    }
    send(data) {
      window.sent.push(Array.from(ArrayBuffer.isView(data) ? data : new Uint8Array(data)));
    }
    close() {
      this.readyState = 3;
    }
  };
  window.WebSocket.OPEN = 1;
  window.play = (bytes) => {
    const data = new Uint8Array(bytes).buffer;
    window.socket.emit("message", new MessageEvent("message", { data }));
  };
  // The canonical form of runtime/testing: attributes and classes sorted, no empty text.
  const escape = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  const empty = new Set("area base br col embed hr img input link meta source track wbr".split(" "));
  window.canonical = (node) =>
    [...node.childNodes]
      .map((child) => {
        if (child.nodeType === 3) return escape(child.data);
        if (child.nodeType === 8) return child.data === "" ? "<!>" : `<!--${child.data}-->`;
        const attributes = [...child.attributes].map(({ name, value }) => {
          const classes = value.split(/\s+/).filter(Boolean).sort().join(" ");
          return ` ${name}="${escape(name === "class" ? classes : value).replaceAll('"', "&quot;")}"`;
        });
        const name = child.namespaceURI.endsWith("svg") ? child.tagName : child.localName;
        const open = `<${name}${attributes.sort().join("")}>`;
        return empty.has(name) ? open : `${open}${window.canonical(child)}</${name}>`;
      })
      .join("");
}

const bytesOf = (hex) => hex.match(/../g).map((digits) => Number.parseInt(digits, 16));
const uint = (value) => (value < 128 ? [value] : [0xcd, value >> 8, value & 255]);

for (const [index, vector] of vectors.entries()) {
  test(vector.name, async () => {
    const page = await browser.newPage();
    const faults = [];
    page.on("pageerror", (error) => faults.push(error.message));
    page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
    try {
      await page.goto(`${origin}/?vector=${index}`);
      await page.waitForFunction(() => window.sent.length >= 1);
      // Welcome; the client then joins.
      await page.evaluate((bytes) => window.play(bytes), [0x95, 0, 0, 2, 0xa1, 0x73, 0xcd, 0x3a, 0x98]);
      await page.waitForFunction(() => window.sent.length >= 2);
      for (const template of vector.templates) {
        await page.evaluate((bytes) => window.play(bytes), bytesOf(template));
      }
      await page.evaluate((bytes) => window.play(bytes), [0x94, 1, 1, 0, 0xa0]);

      let version = 0;
      let isRooted = false;
      for (const [number, step] of vector.steps.entries()) {
        const program = bytesOf(step.program);
        const opcode = program[0] === 0xdc ? program[3] : program[1];
        const isSnapshot = !isRooted || opcode === 11 || opcode === 12;
        if (!step.is_valid && isSnapshot) {
          // An invalid snapshot ends the session in the shipped client; the native run has these.
          continue;
        }
        const frame = [0x95, 1, isSnapshot ? 3 : 2, 0, ...uint(version + 1), ...program];
        await page.evaluate((bytes) => window.play(bytes), frame);
        const shown = await page.evaluate(() => window.canonical(document.querySelector("lightspeed-view")));
        const expected = await page.evaluate((html) => {
          const template = document.createElement("template");
          template.innerHTML = html;
          return window.canonical(template.content);
        }, step.document);
        assert.equal(shown, expected, `program ${number + 1}`);
        if (step.is_valid) {
          version += 1;
          isRooted = true;
        } else {
          // The client asks for the whole document and ignores patches until it comes: this vector is at its end here.
          const last = await page.evaluate(() => window.sent.at(-1));
          assert.deepEqual(last.slice(1, 3), [1, 5], "the client asks for the whole document");
          break;
        }
      }
      assert.deepEqual(faults, []);
    } finally {
      await page.close();
    }
  });
}
