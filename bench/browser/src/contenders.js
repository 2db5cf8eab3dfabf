// Who is compared, and how each is served: always by a process of its own, on a free port.

import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const versionOf = (name) => JSON.parse(readFileSync(here(`../node_modules/${name}/package.json`), "utf8")).version;

/** Each starts one server, whose pages are its contenders. `ready` matches when clicks are heard. */
const SERVERS = [
  {
    program: () => [process.execPath, here("../vanilla/server.js")],
    ready: "html.ready",
    scripts: (url) => [`${url}/rows.js`],
    contenders: [{ name: "vanilla", path: "/rows", counter: "/counter", version: "JSON over ws, no library" }],
  },
  lightspeed("lightspeed", "gallery", "this tree, release build"),
  lightspeed("baseline", "baseline", "another build of Lightspeed"),
  {
    program: () => [process.execPath, here("../liveview/server.js")],
    ready: "[data-phx-main].phx-connected",
    scripts: (url) => [`${url}/assets/phoenix/phoenix.min.js`, `${url}/assets/live_view/phoenix_live_view.min.js`],
    contenders: ["keyed", "component", "stream"].map((variant) => ({
      name: `liveview ${variant}`,
      path: `/${variant}`,
      counter: variant === "keyed" ? "/counter" : undefined,
      version: `phoenix_live_view ${versionOf("phoenix_live_view")}, phoenix ${versionOf("phoenix")}, recorded frames`,
    })),
  },
  {
    program: (programs) => [programs.dioxus],
    ready: "#inc",
    scripts: (url) => [`${url}/rows`],
    contenders: [{ name: "dioxus", path: "/rows", counter: "/counter", version: `dioxus-liveview ${dioxusVersion()}` }],
  },
];

function lightspeed(name, program, version) {
  return {
    program: (programs) => [programs[program]],
    ready: "html.lightspeed-connected",
    scripts: async (url) => {
      const page = await (await fetch(`${url}/rows`)).text();
      const client = new URL(page.match(/<script[^>]* src="?([^" >]+)/)[1], url);
      return [client.href, new URL("client.wasm", client).href];
    },
    contenders: [{ name, path: "/rows", counter: "/counter", version }],
  };
}

function dioxusVersion() {
  const lock = readFileSync(here("../../peers/dioxus/Cargo.lock"), "utf8");
  return lock.match(/name = "dioxus-liveview"\nversion = "(.*)"/)[1];
}

/** Starts the servers; `programs` are the paths of those that are compiled; one without a path takes no part. */
export async function startContenders(programs) {
  const folder = mkdtempSync(join(tmpdir(), "lightspeed-bench-"));
  const children = [];
  const stop = () => {
    for (const child of children) child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  };
  process.once("exit", stop);
  const env = {
    ...process.env,
    RUST_LOG: "warn",
    PEER_ADDR: "127.0.0.1:0",
    LIGHTSPEED_ADDR: "127.0.0.1:0",
    LIGHTSPEED_STORE: join(folder, "sessions.db"),
    LIGHTSPEED_CONTACTS: join(folder, "contacts.db"),
  };
  const all = [];
  for (const { program, contenders, ready, scripts } of SERVERS) {
    const [path, ...parameters] = program(programs);
    if (!path) continue;
    const child = spawn(path, parameters, { env, stdio: ["ignore", "pipe", "inherit"] });
    children.push(child);
    const url = await new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", (code) => reject(new Error(`${path} has ended with ${code}`)));
      createInterface({ input: child.stdout }).on("line", (line) => resolve(line.match(/http:\S+/)[0]));
    });
    const files = await Promise.all((await scripts(url)).map(fetchScript));
    for (const { path, counter, ...contender } of contenders) {
      all.push({ ...contender, ready, files, url: url + path, counter: counter && url + counter });
    }
  }
  return { contenders: all, stop };
}

/** A script as it is before compression; of a page, what its own scripts say. */
async function fetchScript(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  const bytes = Buffer.from(await response.arrayBuffer());
  if (!response.headers.get("content-type").startsWith("text/html")) return bytes;
  const scripts = bytes.toString().matchAll(/<script[^>]*>(.*?)<\/script>/gs);
  return Buffer.from([...scripts].map(([, text]) => text).join("\n"));
}
