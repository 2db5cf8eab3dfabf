// A Chromium with nothing between it and the measurement: the DevTools protocol over a pipe.
//
// Not playwright: it watches the network of every page, which copies each WebSocket frame to
// this process while the page waits.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--remote-debugging-pipe",
  // A page that is not in front is as fast as one that is.
  "--disable-renderer-backgrounding",
  "--disable-background-timer-throttling",
  "--disable-backgrounding-occluded-windows",
  // Frames come when they are ready, not when a display would ask for one.
  "--disable-gpu-vsync",
  "--disable-frame-rate-limit",
  // Garbage is collected before every operation: without this flag functions would grow old by it and be compiled anew.
  "--js-flags=--no-flush-bytecode",
  // The first answer of each page is handed on by this process; the browser then takes the page for a remote one.
  "--disable-features=LocalNetworkAccessChecks,LocalNetworkAccessChecksWebSockets",
  "--window-size=1200,900",
];

const ANSWER_WITHIN_MS = 120_000;

/** A browser; `send` speaks with it, `open` makes a page. */
export class Chromium {
  #next = 1;
  #waiting = new Map();
  #listeners = new Map();

  static async start(program) {
    const chromium = new Chromium();
    chromium.profile = mkdtempSync(join(tmpdir(), "lightspeed-bench-"));
    const stdio = ["ignore", "ignore", "ignore", "pipe", "pipe"];
    chromium.child = spawn(program, [...FLAGS, `--user-data-dir=${chromium.profile}`, "about:blank"], { stdio });
    process.once("exit", () => chromium.child.kill("SIGKILL"));
    chromium.child.once("exit", (code) => chromium.#fail(new Error(`${program} has ended with ${code}`)));
    chromium.child.once("error", (error) => chromium.#fail(error));
    let parts = [];
    chromium.child.stdio[4].on("data", (data) => {
      for (let end; (end = data.indexOf(0)) >= 0; data = data.subarray(end + 1)) {
        parts.push(data.subarray(0, end));
        chromium.#take(JSON.parse(Buffer.concat(parts).toString()));
        parts = [];
      }
      if (data.length) parts.push(data);
    });
    chromium.version = (await chromium.send("Browser.getVersion")).product;
    return chromium;
  }

  send(method, params = {}, sessionId = undefined) {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`no answer to ${method}`)), ANSWER_WITHIN_MS);
      this.#waiting.set(id, { method, resolve, reject, late });
      this.child.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    });
  }

  /** A page in a profile of its own, so in a process of its own; `script` runs in it before any other. */
  async open(script) {
    const { browserContextId } = await this.send("Target.createBrowserContext");
    const { targetId } = await this.send("Target.createTarget", { url: "about:blank", browserContextId, newWindow: true });
    const { sessionId } = await this.send("Target.attachToTarget", { targetId, flatten: true });
    const page = {
      send: (method, params) => this.send(method, params, sessionId),
      /** What happens in it: `on(method, listener)`. */
      on: (method, listener) => this.#listeners.set(`${sessionId} ${method}`, listener),
      evaluate: async (expression) => {
        const options = { expression, awaitPromise: true, returnByValue: true };
        const { result, exceptionDetails } = await page.send("Runtime.evaluate", options);
        if (!exceptionDetails) return result.value;
        throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
      },
      front: () => page.send("Page.bringToFront"),
      close: () => this.send("Target.disposeBrowserContext", { browserContextId }),
    };
    await page.send("Page.enable");
    await page.send("Page.addScriptToEvaluateOnNewDocument", { source: script });
    return page;
  }

  async close() {
    this.child.removeAllListeners("exit");
    const ended = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.kill("SIGKILL");
    await ended;
    rmSync(this.profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }

  #take({ id, method, params, sessionId, result, error }) {
    if (!id) return this.#listeners.get(`${sessionId} ${method}`)?.(params);
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    clearTimeout(waiting.late);
    if (error) waiting.reject(new Error(`${waiting.method}: ${error.message}`));
    else waiting.resolve(result);
  }

  #fail(error) {
    for (const { reject, late } of this.#waiting.values()) {
      clearTimeout(late);
      reject(error);
    }
    this.#waiting.clear();
  }
}
