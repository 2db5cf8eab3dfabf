// Runs cases in a real browser, many on a page, and makes those small that find something.
//
//     node browser-fuzz/run.js --server BINARY --client FOLDER [--cases 300] [--seed 1] [--case NAME] [--found 5] [--unshrunk]
//
// `--case` runs one case again and prints it; its name is a seed, and behind semicolons what is left out of it.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";

import { chromium } from "../e2e/node_modules/playwright-core/index.mjs";

const PER_PAGE = 20;
/** Pages that run at a time. */
const AT_ONCE = 2;
/** What one failure may take to become small: page loads, and time. */
const SHRINK_LOADS_MAX = 60;
const SHRINK_WITHIN_MS = 60_000;
const PAGE_WITHIN_MS = 120_000;

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

const { values: options } = parseArgs({
  options: {
    server: { type: "string" },
    client: { type: "string" },
    cases: { type: "string", default: "300" },
    seed: { type: "string", default: "1" },
    case: { type: "string" },
    unshrunk: { type: "boolean", default: false },
    /** After how many failures a run has said enough. */
    found: { type: "string", default: "5" },
  },
});

const running = new Set();
process.once("exit", () => running.forEach((child) => child.kill("SIGKILL")));
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(130));

let serverLog = "";

async function serve() {
  const child = spawn(options.server, ["--client", options.client], { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, RUST_BACKTRACE: "0" } });
  running.add(child);
  child.stderr.setEncoding("utf8").on("data", (text) => (serverLog = (serverLog + text).slice(-20_000)));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`the server has ended (${code}):\n${serverLog}`)));
    createInterface({ input: child.stdout }).once("line", resolve);
  });
}

const url = await serve();
const browser = await chromium.launch({ executablePath: process.env.LIGHTSPEED_CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
const context = await browser.newContext();

/** Runs cases on one page: what became of each. */
async function load(names) {
  const page = await context.newPage();
  const said = [];
  page.on("console", (message) => message.type() === "error" && said.push(message.text()));
  page.on("framenavigated", (frame) => said.push(`at ${frame.url().slice(0, 200)}`));
  try {
    page.setDefaultTimeout(PAGE_WITHIN_MS);
    await page.goto(`${url}/page?cases=${encodeURIComponent(names.join())}`, { waitUntil: "commit" });
    await page.waitForFunction(() => !!window.fuzz?.done, undefined, { polling: 20 });
    const ended = page.evaluate(() => fuzz.done.then((cases) => ({ cases, refused: fuzz.refused })));
    return await within(ended, names);
  } catch (error) {
    // A page that was left, or doesn't answer: each of its cases may be the one.
    const fault = { kind: "page", message: `${error.message}`.split("\n")[0] + said.join("\n") };
    return { cases: names.map((name) => ({ name, fault, events: 0 })), refused: 0 };
  } finally {
    await page.close().catch(() => {});
  }
}

function within(promise, names) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`a page of ${names.length} cases doesn't end`)), PAGE_WITHIN_MS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Leaves out what the failure doesn't need: of twenty smaller cases on a page the first that still fails so. */
async function shrink(name, fault) {
  let best = { name, fault };
  const end = performance.now() + SHRINK_WITHIN_MS;
  let loads = 0;
  const isEnough = () => loads >= SHRINK_LOADS_MAX || performance.now() > end;
  while (!isEnough()) {
    const { smaller } = await told(best.name);
    const acts = smaller.filter((edit) => edit[0] === "!");
    const parts = [acts, ...[2, 4].flatMap((count) => partsOf(acts, count))].filter((part) => part.length > 1);
    const candidates = [...parts.map((part) => part.join(";")), ...smaller].map((edit) => `${best.name};${edit}`);
    let next;
    for (let at = 0; at < candidates.length && !next && !isEnough(); at += PER_PAGE) {
      loads++;
      const { cases } = await load(candidates.slice(at, at + PER_PAGE));
      const failing = cases.filter((one) => one.fault?.kind === fault.kind && one.fault.kind !== "page");
      next = failing[0];
      // What fails without one thing and without another mostly fails without both.
      if (failing.length > 1) {
        const all = [best.name, ...failing.map((one) => one.name.slice(best.name.length + 1))].join(";");
        loads++;
        const [one] = (await load([all])).cases;
        if (one?.fault?.kind === fault.kind) next = one;
      }
    }
    if (!next) break;
    best = next;
  }
  return best;
}

const partsOf = (list, count) =>
  Array.from({ length: count }, (_, part) => list.filter((_, index) => Math.floor((index * count) / list.length) === part));

const told = async (name) => (await fetch(`${url}/case?cases=${encodeURIComponent(name)}`)).json();

async function print({ name, fault }) {
  const { source, values, knobs, acts } = await told(name);
  console.log(`\ncase ${name}: ${fault ? `${fault.kind}, in phase ${fault.phase} after act ${fault.act}` : "passed"}`);
  console.log(source.trimEnd());
  console.log(`where\n  ${values.join("\n  ")}`);
  console.log(`with ${knobs.join(", ") || "nothing else on the page"}`);
  console.log(`acts\n  ${acts.map((act) => `${act.id}: in phase ${act.phase} ${act.act} ${act.pick} ${JSON.stringify(act.value)}`).join("\n  ") || "none"}`);
  if (fault) console.log(`found\n  ${fault.message}`);
  console.log(`run it again: make browser-fuzz CASE='${name}'`);
}

/** A shrunk case that fails alone too: what another case on the page has brought about is told as such. */
async function report(name, fault) {
  let alone = (await load([name])).cases[0];
  if (!alone?.fault) {
    console.log(`\ncase ${name} fails only beside others of its page: ${fault.kind}: ${fault.message}`);
    return;
  }
  if (options.unshrunk) console.log(`\ncase ${name}: ${alone.fault.kind}: ${alone.fault.message}`);
  else await print(await shrink(name, alone.fault));
}

async function all() {
  const first = Number(options.seed);
  const count = Number(options.cases);
  const found = [];
  const began = performance.now();
  let done = 0;
  let events = 0;
  let refused = 0;
  let next = 0;
  const isEnough = () => found.length >= Number(options.found);
  let shown = 0;
  const show = (isLast) => {
    const now = performance.now();
    if (!isLast && now - shown < (process.stdout.isTTY ? 500 : 10_000)) return;
    shown = now;
    const rate = (done / (now - began)) * 1000;
    const line = `${done} of ${count} cases, ${rate.toFixed(1)} a second, ${events} events, ${refused} refused by the macro, ${found.length} found`;
    if (process.stdout.isTTY && !isLast) process.stdout.write(`\r${line}`);
    else console.log(`${process.stdout.isTTY ? "\r" : ""}${line}`);
  };
  /** What befell a page as a whole befalls one of its cases alone, too. */
  const alone = async (cases) => {
    if (!cases.some(({ fault }) => fault?.kind === "page") || cases.length < 2) return cases;
    const each = [];
    for (const { name } of cases) each.push(...(await load([name])).cases);
    return each.some(({ fault }) => fault) ? each : cases.slice(0, 1);
  };
  const work = async () => {
    while (next < count && !isEnough()) {
      const names = [];
      while (names.length < PER_PAGE && next < count) names.push(`${first + next++}`);
      const { cases, refused: more } = await load(names);
      done += names.length;
      refused += more;
      for (const one of await alone(cases)) {
        events += one.events;
        if (!one.fault) continue;
        found.push(one);
        // Should the run be ended before it has told more.
        console.log(`found ${one.name}: ${one.fault.kind}: ${one.fault.message.split("\n")[0].slice(0, 160)}`);
      }
      show();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  show(true);
  for (const { name, fault } of found.slice(0, Number(options.found))) await report(name, fault);
  if (found.length) console.log(`\n${found.length} of ${done} cases have found something: ${found.map(({ name, fault }) => `${name} (${fault.kind})`).join(", ")}`);
  return found.length;
}

let failed;
if (options.case) {
  const { cases: [one] } = await load([options.case]);
  if (!one) throw new Error(`the macro refuses the case ${options.case}`);
  await print(one);
  failed = one.fault;
} else failed = await all();
if (serverLog) {
  console.log(`the server said:\n${serverLog}`);
  failed = true;
}
await browser.close();
process.exit(failed ? 1 : 0);
