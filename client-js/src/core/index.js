// The entry: finds the live parts of the page and starts the client.

import { LINK_CONNECTING, LINK_FAILED } from "./links.js";
import { load } from "./machine.js";
import { ask, listen } from "./natural.js";
import { Page, tokensOf, viewsIn } from "./page.js";
import { encode } from "./text.js";

// Client and module lie in a folder that is named by their content: the build.
const here = new URL(import.meta.url);
const build = here.pathname.split("/").at(-2);

const page = new Page();
/** The module is fetched and compiled while the page is still being parsed. */
const loading = load(fetch(new URL("client.wasm", here)), page);

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
  page.begin(views);
  const all = (code) => views.forEach((_, index) => page.state(index + 1, code));
  all(LINK_CONNECTING);
  try {
    page.machine = await loading;
  } catch (error) {
    console.error("lightspeed: the client could not be loaded", error);
    return all(LINK_FAILED);
  }
  const { machine } = page;
  const socket = new URL(`../socket${query()}`, here);
  socket.protocol = socket.protocol.replace("http", "ws");
  page.link.url = socket.href;
  // What spreads reconnects over time has nothing to hide.
  machine.start(Math.random() * 2 ** 32, encode(`${build}\n${tokensOf(views)}`));

  // A browser keeps a page for its back button only when no socket is open: the client hears of
  // that when the page is shown again, so that it opens no other on the way out.
  addEventListener("pagehide", () => page.link.disconnect());
  addEventListener("pageshow", (shown) => {
    if (!shown.persisted) return;
    machine.closed();
    machine.wake();
  });
  addEventListener("online", machine.wake);
  listen("visibilitychange", () => ask(document, "hidden") || machine.wake());
}

begin();
