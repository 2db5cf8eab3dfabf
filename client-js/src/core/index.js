// The entry: finds the live parts of the page and starts the client.

import * as wasm from "lightspeed-wasm";
import { watch } from "./document.js";
import { tell, watchEvents } from "./events.js";
import { watchFields } from "./fields.js";
import { disconnect, linkTo } from "./link.js";
import { ask, listen } from "./natural.js";
import { state, tokensOf, viewsIn } from "./page.js";
import { encode } from "./text.js";

// Client and module lie in a folder that is named by their content: the build.
const here = new URL(import.meta.url);
const build = here.pathname.split("/").at(-2);
const CONNECTING = 0;
const FAILED = 3;

/** The module is fetched and compiled while the page is still being parsed. */
const loading = WebAssembly.instantiateStreaming(fetch(new URL("client.wasm", here)), { "lightspeed-dom": wasm.imports });

/** What the socket's address ends with where the browser can inflate: some know the class and not this format. */
const query = () => {
  try {
    new DecompressionStream("deflate-raw");
    return "?deflate";
  } catch {
    return "";
  }
};

async function begin() {
  if (ask(document, "readyState") === "loading") {
    await new Promise((resolve) => listen("DOMContentLoaded", resolve));
  }
  const views = viewsIn(document);
  if (!views.length) return loading.catch(() => {});
  watch(views);
  watchFields(tell);
  watchEvents();
  const all = (code) => views.forEach((_, index) => state(index + 1, code));
  all(CONNECTING);
  try {
    const { instance } = await loading;
    wasm.begin(instance.exports);
  } catch (error) {
    console.error("lightspeed: the client could not be loaded", error);
    return all(FAILED);
  }
  const socket = new URL(`../socket${query()}`, here);
  socket.protocol = socket.protocol.replace("http", "ws");
  linkTo(socket.href);
  // What spreads reconnects over time has nothing to hide.
  wasm.start(Math.random() * 2 ** 32, encode(`${build}\n${tokensOf(views)}`));

  // A browser keeps a page for its back button only when no socket is open: the client hears of
  // that when the page is shown again, so that it opens no other on the way out.
  addEventListener("pagehide", disconnect);
  addEventListener("pageshow", (shown) => {
    if (!shown.persisted) return;
    wasm.closed();
    wasm.wake();
  });
  addEventListener("online", wasm.wake);
  listen("visibilitychange", () => ask(document, "hidden") || wasm.wake());
}

begin();
