// Serves client-js/src to a real browser. The WebAssembly half of its pages is a stub that notes what it is told.

import { createServer } from "node:http";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before } from "node:test";
import { chromium } from "playwright-core";

const ROOT = new URL("../", import.meta.url);
const FLAGS =
  "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync";

const PAGE = `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><body>`;

let server;
let profile;
let browser;

before(async () => {
  server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    if (pathname === "/" || pathname === "/plain") return response.setHeader("content-type", "text/html").end(PAGE);
    try {
      const text = await readFile(new URL(`.${pathname}`, ROOT));
      response.setHeader("content-type", "text/javascript").end(text);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  profile = await mkdtemp(join(tmpdir(), "lightspeed-dom-"));
  browser = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.LIGHTSPEED_CHROMIUM ?? "/usr/bin/chromium",
    args: FLAGS.split(" "),
  });
});

after(async () => {
  await browser.close();
  server.close();
  await rm(profile, { recursive: true, force: true });
});

/**
 * A page whose one view holds `html`. In the page: `client` (the page as the client knows it), `template`, `program` (see program.mjs), `view`,
 * `$` (a selector within the view), `sent` (the events that went out) and `list`.
 */
export async function open(html) {
  const page = await browser.newPage();
  const faults = [];
  page.on("pageerror", (error) => faults.push(error));
  page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  await page.evaluate(async (html) => {
    document.body.innerHTML = `<lightspeed-view data-session="token">${html}</lightspeed-view>`;
    const { Page } = await import("/src/core/page.js");
    const { program, template } = await import("/test/program.mjs");
    const { stub } = await import("/test/stub.mjs");
    const view = document.querySelector("lightspeed-view");
    const client = new Page();
    client.machine = stub();
    client.begin([view]);
    const $ = (selector) => view.querySelector(selector);
    const { sent, told } = client.machine;
    Object.assign(window, { client, view, sent, told, $, program: program(client), template: template(client) });
    /** A document with a list of five items, 2 to 6, each with a field and a text. */
    window.list = () => {
      window.template(1, "<ul><!></ul>", [["LIST", [0, 0]]]);
      window.template(2, "<li><input><b><!></b></li>", [["SPLICE", [0, 1, 0]]]);
      window.program(["ROOT", false, [1, 1, [2, 3, 4, 5, 6].map((id) => [id, 2, `n${id}`])]]);
    };
  }, html);
  page.finish = async () => {
    await page.close();
    if (faults.length) throw new Error(`the page had errors: ${faults.join("; ")}`);
  };
  return page;
}
