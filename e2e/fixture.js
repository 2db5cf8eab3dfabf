// What the tests have in common: a gallery of their own, a browser, and an eye on everything
// that must never happen in a page.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const WITHIN_MS = 15_000;

const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** A test with a gallery and pages of its own, which fails when a page complains about anything. */
export function scenario(name, body) {
  test(name, async () => {
    const stage = new Stage();
    try {
      await stage.start();
      await body(stage);
      stage.check();
    } catch (error) {
      // What a runner prints is the stack.
      error.stack += `\n\nThe pages said:\n${stage.faults.join("\n")}`;
      error.stack += `\n\nThe server said:\n${stage.galleries.map((gallery) => gallery.log).join("\n")}`;
      throw error;
    } finally {
      await stage.close();
    }
  });
}

class Stage {
  galleries = [];
  contexts = [];
  /** What went wrong in the pages, as sentences. */
  faults = [];
  #allowed = [];
  #cleanups = [];

  /** Starts a gallery; one that is started again finds what the one before has stored. */
  start = async (options) => {
    this.folder ??= await mkdtemp(join(tmpdir(), "lightspeed-e2e-"));
    this.gallery = await Gallery.start(this.folder, options);
    this.galleries.push(this.gallery);
    return this.gallery;
  };

  /** Opens a page in a browser profile of its own, and waits until it is live. */
  open = async (path, options) => {
    const page = await this.visit(path, options);
    await joined(page);
    return page;
  };

  /** Opens a page and waits for nothing; `prepare` gets it before it loads. */
  visit = async (path, { prepare, context, ...options } = {}) => {
    context ??= await (await browser()).newContext(options);
    if (!this.contexts.includes(context)) await this.#adopt(context);
    const page = await context.newPage();
    this.#watch(page);
    await prepare?.(page);
    await page.goto(new URL(path, this.gallery.url).href, { waitUntil: "commit" });
    return page;
  };

  /** Faults of pages and panics of the server that match are what the test is about. */
  allow = (pattern) => this.#allowed.push(pattern);

  /** Runs when the test has ended. */
  cleanup = (run) => this.#cleanups.push(run);

  check() {
    const faults = this.faults.filter((fault) => !this.#allowed.some((pattern) => pattern.test(fault)));
    assert.deepEqual(faults, [], "no page complains");
    const panics = this.galleries.flatMap(({ log }) => log.split("\n").filter((line) => /panicked/.test(line)));
    const unexpected = panics.filter((line) => !this.#allowed.some((pattern) => pattern.test(line)));
    assert.deepEqual(unexpected, [], "nothing panics on the server");
  }

  async close() {
    for (const context of this.contexts) await context.close();
    for (const run of this.#cleanups) await run();
    for (const gallery of this.galleries) await gallery.kill();
    if (this.folder) await rm(this.folder, { recursive: true, force: true });
  }

  async #adopt(context) {
    this.contexts.push(context);
    context.setDefaultTimeout(WITHIN_MS);
    await context.addInitScript(() => {
      document.addEventListener("securitypolicyviolation", (event) => {
        console.error(`CSP: ${event.violatedDirective} forbids ${event.blockedURI} at ${event.sourceFile}`);
      });
    });
  }

  #watch(page) {
    /** The page's WebSockets, with the frames that passed. */
    page.sockets = [];
    page.on("websocket", (socket) => {
      const record = { url: socket.url(), sent: [], received: [], isClosed: false };
      page.sockets.push(record);
      socket.on("framesent", ({ payload }) => record.sent.push(Buffer.from(payload)));
      socket.on("close", () => (record.isClosed = true));
      socket.on("framereceived", ({ payload }) => record.received.push(Buffer.from(payload)));
    });
    const fault = (text) => this.faults.push(`${new URL(page.url()).pathname}: ${text}`);
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") fault(`console: ${message.text()}`);
    });
    page.on("pageerror", (error) => fault(`page error: ${error.stack}`));
    page.on("crash", () => fault("the page crashed"));
    page.on("requestfailed", (request) => fault(`request: ${request.url()} ${request.failure()?.errorText}`));
    page.on("response", (response) => {
      if (response.status() >= 400) fault(`response: ${response.url()} ${response.status()}`);
    });
  }
}

/** Processes that must not outlive the tests, however those end. */
const running = new Set();
process.once("exit", () => running.forEach((child) => child.kill("SIGKILL")));

/** The gallery's process. */
class Gallery {
  log = "";

  /** Starts it, on a free port unless `port` says which; `name` is that of the program. */
  static async start(folder, { port = 0, name = "gallery" } = {}) {
    const gallery = new Gallery();
    const env = {
      ...process.env,
      LIGHTSPEED_ADDR: `127.0.0.1:${port}`,
      LIGHTSPEED_STORE: join(folder, "sessions.db"),
      LIGHTSPEED_CONTACTS: join(folder, "contacts.db"),
    };
    const child = spawn(binary(name), { env, stdio: ["ignore", "pipe", "pipe"] });
    gallery.child = child;
    running.add(child);
    child.once("exit", () => running.delete(child));
    child.stderr.setEncoding("utf8").on("data", (text) => (gallery.log += text));
    gallery.ended = new Promise((resolve) => child.once("exit", (code, signal) => resolve({ code, signal })));
    gallery.url = await new Promise((resolve, reject) => {
      child.once("error", reject);
      gallery.ended.then(() => reject(new Error(`the gallery has ended:\n${gallery.log}`)));
      createInterface({ input: child.stdout }).on("line", (line) => {
        const url = line.match(/http:\S+/)?.[0];
        if (url) resolve(url);
      });
    });
    gallery.port = Number(new URL(gallery.url).port);
    return gallery;
  }

  /** Ends it with no time for goodbyes. */
  async kill() {
    this.child.kill("SIGKILL");
    return this.ended;
  }

  /** Has it stand still, and waits until none of its threads runs: a signal alone is only on its way. */
  async freeze() {
    this.child.kill("SIGSTOP");
    await eventually(() => threadStates(this.child.pid), ["T"], "the gallery's threads stand still");
  }

  /** Has it go on. */
  thaw() {
    this.child.kill("SIGCONT");
  }

  /** Asks it to end. */
  async stop() {
    this.child.kill("SIGTERM");
    return this.ended;
  }
}

/** The different states of a process's threads, as the letters of proc_pid_stat(5). */
async function threadStates(pid) {
  const threads = await readdir(`/proc/${pid}/task`);
  const states = threads.map(async (thread) => {
    // One that has ended meanwhile has no state.
    const stat = await readFile(`/proc/${pid}/task/${thread}/stat`, "utf8").catch(() => "");
    return stat.slice(stat.lastIndexOf(")") + 2)[0];
  });
  return [...new Set(await Promise.all(states))].filter(Boolean);
}

function binary(name) {
  const gallery = process.env.LIGHTSPEED_GALLERY ?? process.env.GALLERY;
  // The others stand beside it.
  const named = gallery && (name === "gallery" ? gallery : join(dirname(gallery), name));
  const target = process.env.CARGO_TARGET_DIR ?? fileURLToPath(new URL("../target", import.meta.url));
  const found = [named, `${target}/release/${name}`, `${target}/debug/${name}`].find((path) => path && existsSync(path));
  assert(found, `no ${name} is built; run make e2e, or name one by LIGHTSPEED_GALLERY`);
  return found;
}

/** Waits for a line of a stream that matches; what matches in it. */
const said = (stream, pattern) =>
  new Promise((resolve, reject) => {
    const lines = createInterface({ input: stream });
    lines.on("line", (line) => pattern.test(line) && resolve(line.match(pattern)[0]));
    lines.on("close", () => reject(new Error(`the process has ended and never said ${pattern}`)));
  });

/**
 * A browser as people run it, for one test. One that is driven keeps every page awake and visible, and none
 * for its back button; this one hides the tabs behind the front one. Returns its context.
 */
export async function plainBrowser(stage) {
  const profile = await mkdtemp(join(tmpdir(), "lightspeed-e2e-"));
  const args = [...FLAGS, "--remote-debugging-port=0", `--user-data-dir=${profile}`, "about:blank"];
  // A process group of its own, so that all of it can be stopped.
  const child = spawn(executable(), args, { stdio: ["ignore", "ignore", "pipe"], detached: true });
  const signal = (name) => child.exitCode ?? child.signalCode ?? process.kill(-child.pid, name);
  const whole = { kill: () => signal("SIGKILL") };
  running.add(whole);
  const ended = new Promise((resolve) => child.once("exit", resolve));
  stage.cleanup(async () => {
    running.delete(whole);
    whole.kill();
    await ended;
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  });
  const url = await said(child.stderr, /ws:\S+/);
  const [context] = (await chromium.connectOverCDP(url, { noDefaults: true })).contexts();
  return { context, signal };
}

let launched;

/** One browser for a file of tests; its profile is new and goes with it. */
export function browser() {
  launched ??= chromium.launch({ executablePath: executable(), args: FLAGS });
  return launched;
}

function executable() {
  return process.env.LIGHTSPEED_CHROMIUM ?? process.env.CHROMIUM ?? "/usr/bin/chromium";
}

after(async () => (await launched)?.close());

/** Where a picture of this name goes. */
export const screenshot = (name) => fileURLToPath(new URL(`screenshots/${name}.png`, import.meta.url));

/** Waits until every live part of the page is connected. */
export async function joined(page) {
  const html = page.locator("html.lightspeed-connected, html.lightspeed-failed");
  await html.waitFor({ state: "attached" });
  assert.match(await html.getAttribute("class"), /lightspeed-connected/, "the page has given up");
}

/** Waits until `get` gives what is expected; tells what it gave instead. */
export async function eventually(get, expected, message) {
  const until = Date.now() + WITHIN_MS;
  for (;;) {
    const actual = await get();
    try {
      assert.deepEqual(actual, expected, message);
      return;
    } catch (error) {
      if (Date.now() > until) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Waits until an element's text is `expected`. */
export const shows = (page, selector, expected) =>
  eventually(() => texts(page.locator(selector)), [expected].flat(), selector);

/** None while what stands there is being left for another document. */
const texts = (locator) =>
  locator.allInnerTexts().catch((error) => {
    if (!/Execution context was destroyed|Frame was detached/i.test(error.message)) throw error;
    return [];
  });
