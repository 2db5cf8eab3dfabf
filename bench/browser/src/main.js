// Lightspeed's client beside others, in one browser and one run. README.md, two folders up, says
// how to read what this prints.
//
// Environment: LIGHTSPEED_GALLERY and LIGHTSPEED_PEER, the compiled servers; LIGHTSPEED_BASELINE, a gallery
// of another build to compare with; CHROMIUM; ROUNDS and PASSES, how often; ONLY, contenders by
// parts of their names; OPERATIONS likewise; RESULTS, the file for the JSON.

import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg, release } from "node:os";
import { dirname } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { Chromium } from "./chromium.js";
import { startContenders } from "./contenders.js";
import { budgets, operations as all } from "./operations.js";
import { median, ms, quartiles, table } from "./table.js";

const { LIGHTSPEED_GALLERY, LIGHTSPEED_BASELINE, LIGHTSPEED_PEER, CHROMIUM, RESULTS, ONLY = "", OPERATIONS = "" } = process.env;
const operations = all.filter(({ name }) => OPERATIONS.split(",").some((part) => name.includes(part)));
const ROUNDS = Number(process.env.ROUNDS ?? 5);
const PASSES = Number(process.env.PASSES ?? 3);
/** Frames of an operation that come later than this are another's. */
const QUIET_MS = 150;
const METRICS = { script: "ScriptDuration", layout: "LayoutDuration", style: "RecalcStyleDuration" };

const hook = readFileSync(new URL("page.js", import.meta.url), "utf8");
const progress = (text) =>
  process.stderr.isTTY ? process.stderr.write(`\r\x1b[K${text}`) : text.endsWith("\n") && process.stderr.write(text);
const sleep = (duration) => new Promise((resolve) => setTimeout(resolve, duration));

/** A contender's page of rows, ready for clicks. */
async function openRows(browser, contender) {
  const page = await browser.open(hook);
  await page.send("Performance.enable", { timeDomain: "timeTicks" });
  await page.send("HeapProfiler.enable");
  // Timers are precise only in a page that is isolated from others; two headers make it one.
  page.on("Fetch.requestPaused", async ({ requestId, responseStatusCode: responseCode, responseHeaders }) => {
    const { body, base64Encoded } = await page.send("Fetch.getResponseBody", { requestId });
    await page.send("Fetch.fulfillRequest", {
      requestId,
      responseCode,
      responseHeaders: [
        ...responseHeaders.filter(({ name }) => !/^(content-(encoding|length)|transfer-encoding)$/i.test(name)),
        { name: "cross-origin-opener-policy", value: "same-origin" },
        { name: "cross-origin-embedder-policy", value: "require-corp" },
      ],
      body: base64Encoded ? body : Buffer.from(body).toString("base64"),
    });
  });
  await page.send("Fetch.enable", { patterns: [{ resourceType: "Document", requestStage: "Response" }] });
  await page.send("Page.navigate", { url: contender.url });
  const ready = contender.ready === "#inc" ? "#run" : contender.ready;
  for (let tries = 0; !(await page.evaluate(`!!document.querySelector(${JSON.stringify(ready)})`)); tries++) {
    if (tries > 1000) throw new Error(`${contender.name}: the page is not ready`);
    await sleep(10);
  }
  await page.send("Fetch.disable");
  if (!(await page.evaluate("bench.prepare()"))) throw new Error(`${contender.name}: the page's timers are not precise`);
  return page;
}

const metrics = async (page) =>
  Object.fromEntries((await page.send("Performance.getMetrics")).metrics.map(({ name, value }) => [name, value]));

/** Makes an operation, after those that it needs, and checks the document; the page is empty before and after. */
async function run(page, { name, before }, contender, withMemory) {
  await page.front();
  const make = async (one) => {
    const times = await page.evaluate(`bench.measure(${JSON.stringify(one)})`);
    const fault = await page.evaluate(`bench.check(${JSON.stringify(one)})`);
    if (fault) throw new Error(`${contender.name}, ${one}: the document is wrong: ${fault}`);
    return times;
  };
  for (const one of before) {
    await page.evaluate("bench.settle()");
    await make(one);
  }
  await page.send("HeapProfiler.collectGarbage");
  await page.evaluate("bench.settle()");
  const start = await metrics(page);
  const times = await page.evaluate(`bench.measure(${JSON.stringify(name)})`);
  const end = await metrics(page);
  for (const [key, metric] of Object.entries(METRICS)) times[key] = (end[metric] - start[metric]) * 1000;
  if (withMemory) {
    await page.send("HeapProfiler.collectGarbage");
    times.heap = (await metrics(page)).JSHeapUsedSize;
    times.module = await page.evaluate("bench.moduleBytes");
  }
  const fault = await page.evaluate(`bench.check(${JSON.stringify(name)})`);
  if (fault) throw new Error(`${contender.name}, ${name}: the document is wrong: ${fault}`);
  if (name !== "clear") {
    await page.evaluate("bench.settle()");
    await make("clear");
  }
  return times;
}

/** As `run`, but with an eye on the socket, which takes time. */
async function countBytes(page, operation, contender) {
  const total = { down: 0, up: 0, downFrames: 0, upFrames: 0 };
  let isCounting = false;
  const count = (side) => ({ response: { opcode, payloadData } }) => {
    if (!isCounting || opcode > 2) return;
    total[side] += Buffer.from(payloadData, opcode === 2 ? "base64" : "utf8").length;
    total[`${side}Frames`]++;
  };
  page.on("Network.webSocketFrameReceived", count("down"));
  page.on("Network.webSocketFrameSent", count("up"));
  await page.front();
  await page.send("Network.enable");
  for (const name of [...operation.before, operation.name]) {
    isCounting = name === operation.name;
    Object.keys(total).forEach((key) => (total[key] = 0));
    await page.evaluate("bench.settle()");
    await page.evaluate(`bench.measure(${JSON.stringify(name)})`);
    await sleep(QUIET_MS);
    const fault = await page.evaluate(`bench.check(${JSON.stringify(name)})`);
    if (fault) throw new Error(`${contender.name}, ${name}: the document is wrong: ${fault}`);
  }
  isCounting = false;
  await page.send("Network.disable");
  if (operation.name !== "clear") {
    await page.evaluate("bench.settle()");
    await page.evaluate('bench.measure("clear")');
  }
  return total;
}

/** From an empty browser to the first click that counted. */
async function start(browser, contender) {
  const page = await browser.open(hook);
  try {
    await page.send("Performance.enable", { timeDomain: "timeTicks" });
    await page.send("Page.navigate", { url: contender.counter });
    const times = await page.evaluate(`bench.start(${JSON.stringify(contender.ready)})`);
    times.script = (await metrics(page)).ScriptDuration * 1000;
    times.module = await page.evaluate("bench.moduleBytes");
    return times;
  } finally {
    await page.close();
  }
}

/** The milliseconds that a browser takes to compile a module's bytes, without its cache. */
async function compile(browser, contender) {
  const module = contender.files.find((bytes) => bytes.subarray(0, 4).toString() === "\0asm");
  if (!module) return undefined;
  const page = await browser.open("");
  try {
    const times = await page.evaluate(`(async () => {
      const bytes = Uint8Array.from(atob("${module.toString("base64")}"), (one) => one.charCodeAt());
      const times = [];
      for (let turn = 0; turn < 9; turn++) {
        // A section that says nothing makes it another module: what is compiled already would be found.
        const name = new TextEncoder().encode(String(Math.random()));
        const other = new Uint8Array([...bytes, 0, name.length + 1, name.length, ...name]);
        const began = performance.now();
        await WebAssembly.compile(other);
        times.push(performance.now() - began);
      }
      return times;
    })()`);
    return median(times);
  } finally {
    await page.close();
  }
}

/** Another one goes first each time. */
const rotated = (list, by) => list.map((_, index) => list[(index + by) % list.length]);

async function main() {
  const began = Date.now();
  const { contenders: everyone, stop } = await startContenders({ gallery: LIGHTSPEED_GALLERY, baseline: LIGHTSPEED_BASELINE, dioxus: LIGHTSPEED_PEER });
  const contenders = everyone.filter(({ name }) => name === "vanilla" || ONLY.split(",").some((part) => name.includes(part)));
  const browser = await Chromium.start(CHROMIUM);
  const load = [loadavg()[0]];
  for (const contender of contenders) {
    contender.samples = Object.fromEntries(operations.map(({ name }) => [name, []]));
    contender.first = Object.fromEntries(operations.map(({ name }) => [name, []]));
    contender.wire = {};
    contender.starts = [];
  }
  try {
    for (const contender of contenders) {
      const page = await openRows(browser, contender);
      for (const operation of operations) {
        progress(`bytes: ${contender.name}, ${operation.name}`);
        contender.wire[operation.name] = await countBytes(page, operation, contender);
      }
      await page.close();
    }
    for (let round = 0; round < ROUNDS; round++) {
      const left = round ? ` (${Math.round((((Date.now() - began) / round) * (ROUNDS - round)) / 1000)} s left)` : "";
      progress(`round ${round + 1} of ${ROUNDS}${left}\n`);
      for (const contender of rotated(contenders, round).filter(({ counter }) => counter)) {
        progress(`round ${round + 1} of ${ROUNDS}: start, ${contender.name}`);
        contender.starts.push(await start(browser, contender));
      }
      for (const contender of contenders) contender.page = await openRows(browser, contender);
      // The first pass is what a person meets who has just come; it warms up for the others.
      for (let pass = 0; pass <= PASSES; pass++) {
        for (const operation of operations) {
          for (const contender of rotated(contenders, round + pass)) {
            progress(`round ${round + 1} of ${ROUNDS}, pass ${pass} of ${PASSES}: ${operation.name}, ${contender.name}`);
            const times = await run(contender.page, operation, contender, pass === PASSES);
            contender[pass ? "samples" : "first"][operation.name].push(times);
          }
        }
      }
      for (const contender of contenders) await contender.page.close();
      load.push(loadavg()[0]);
    }
    for (const contender of contenders) contender.compile = await compile(browser, contender);
  } finally {
    progress("");
    await browser.close();
    stop();
  }
  report(contenders, browser.version, load, Date.now() - began);
}

function report(contenders, chromium, load, duration) {
  const [floor] = contenders;
  const ours = contenders.find(({ name }) => name === "lightspeed");
  const of = (contender, operation, key, kind = "samples") => contender[kind][operation].map((sample) => sample[key]).filter((value) => value !== undefined);
  const middle = (...parameters) => median(of(...parameters));
  const names = contenders.map(({ name }) => name);
  const environment = {
    date: new Date().toISOString(),
    machine: `${cpus()[0].model.trim()}, ${cpus().length} cores, Linux ${release()}`,
    load: load.map((one) => Number(one.toFixed(2))),
    chromium,
    node: process.version,
    commit: git(),
    rounds: ROUNDS,
    passes: PASSES,
    seconds: Math.round(duration / 1000),
  };
  const print = (text = "") => console.log(text);
  print(`# The client in a browser\n`);
  print(`${environment.date}; ${environment.machine}; load ${environment.load.join(", ")}; ${chromium}; Node ${process.version}; ${environment.commit}.`);
  print(`${ROUNDS} rounds of ${PASSES} passes after one that warms up; medians. The documents were right after every operation.\n`);
  for (const { name, version } of contenders) print(`- ${name}: ${version}`);

  const timesOf = (title, key, kind, operationNames) => {
    print(`\n## ${title}\n`);
    print(
      table(
        ["ms, quartiles", ...names],
        operationNames.map((operation) => [
          operation,
          ...contenders.map((contender) => {
            const list = of(contender, operation, key, kind);
            const [low, high] = quartiles(list);
            return `${ms(median(list))} (${ms(low)}-${ms(high)})`;
          }),
        ]),
      ),
    );
  };
  const everything = operations.map(({ name }) => name);
  timesOf("From the click to the changed document", "changed", "samples", everything);
  print(`\nAs a multiple of vanilla; and how much longer the others take than Lightspeed:\n`);
  print(
    table(
      ["", ...names.slice(1).map((name) => `${name} / vanilla`), ...(ours ? names.slice(2).map((name) => `${name} / lightspeed`) : [])],
      everything.map((operation) => {
        const time = (contender) => middle(contender, operation, "changed");
        return [
          operation,
          ...contenders.slice(1).map((one) => (time(one) / time(floor)).toFixed(2)),
          ...(ours ? contenders.slice(2).map((one) => (time(one) / time(ours)).toFixed(2)) : []),
        ];
      }),
    ),
  );
  timesOf("The client alone: from the arrival of the message to the changed document", "client", "samples", everything);
  timesOf("From the click to the next frame", "painted", "samples", everything);
  timesOf("Script, until that frame", "script", "samples", everything);
  timesOf("Layout, until that frame", "layout", "samples", everything);
  timesOf("Style, until that frame", "style", "samples", everything);
  timesOf("The first time on a page: from the click to the changed document", "changed", "first", everything);
  timesOf("The first time on a page, the client alone", "client", "first", everything);

  print(`\n## Memory after the operation, kB: JavaScript's heap, and the module's memory\n`);
  print(
    table(
      ["", ...names],
      everything.map((operation) => [
        operation,
        ...contenders.map((one) => {
          const module = middle(one, operation, "module");
          return `${(middle(one, operation, "heap") / 1000).toFixed(0)}${module ? ` + ${(module / 1000).toFixed(0)}` : ""}`;
        }),
      ]),
    ),
  );
  print(`\n## Bytes on the wire, down / up, and messages\n`);
  print(
    table(
      ["", ...names],
      everything.map((operation) => [
        operation,
        ...contenders.map(({ wire: { [operation]: { down, up, downFrames, upFrames } } }) => `${down} / ${up}, ${downFrames} / ${upFrames}`),
      ]),
    ),
  );
  print(`\n## Coming to the page: bytes of the client, and a counter's first click\n`);
  const started = contenders.filter(({ starts }) => starts.length);
  print(
    table(
      ["", "raw", "gzip", "brotli", "compile module, ms", "first paint, ms", "ready, ms", "click handled, ms", "script until then, ms"],
      started.map((contender) => {
        const sizes = sizesOf(contender);
        const time = (key) => ms(median(contender.starts.map((one) => one[key])));
        const compiled = contender.compile === undefined ? "-" : ms(contender.compile);
        const name = contender.name.startsWith("liveview") ? "liveview" : contender.name;
        return [name, sizes.raw, sizes.gzip, sizes.brotli, compiled, time("painted"), time("ready"), time("handled"), time("script")];
      }),
    ),
  );
  if (ours) {
    print(`\n## Budgets, as multiples of vanilla\n`);
    print(
      table(
        ["", "vanilla, ms", "lightspeed, ms", "multiple", "budget", ""],
        Object.entries(budgets).filter(([operation]) => everything.includes(operation)).map(([operation, budget]) => {
          const [theirs, own] = [middle(floor, operation, "changed"), middle(ours, operation, "changed")];
          return [operation, ms(theirs), ms(own), (own / theirs).toFixed(2), budget.toFixed(2), own / theirs > budget ? "OVER" : "met"];
        }),
      ),
    );
  }
  if (RESULTS) {
    const results = contenders.map(({ name, version, wire, samples, first, starts, compile, ...rest }) => ({
      name,
      version,
      client: sizesOf(rest),
      compile,
      starts,
      wire,
      samples,
      first,
    }));
    mkdirSync(dirname(RESULTS), { recursive: true });
    writeFileSync(RESULTS, JSON.stringify({ environment, contenders: results }, undefined, 1));
    print(`\nEvery sample is in ${RESULTS}`);
  }
}

function sizesOf({ files }) {
  const sum = (size) => files.reduce((total, bytes) => total + size(bytes), 0);
  return {
    raw: sum((bytes) => bytes.length),
    gzip: sum((bytes) => gzipSync(bytes, { level: 9 }).length),
    brotli: sum((bytes) => brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_LGWIN]: 24 } }).length),
  };
}

function git() {
  try {
    const options = { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] };
    const commit = execFileSync("git", ["rev-parse", "--short", "HEAD"], options).trim();
    const isDirty = execFileSync("git", ["status", "--porcelain", "--untracked-files=no"], options).trim();
    return `commit ${commit}${isDirty ? " with changes" : ""}`;
  } catch {
    return "no commit";
  }
}

await main().catch((error) => {
  console.error(`error: ${error.stack}`);
  process.exitCode = 1;
});
process.exit();
