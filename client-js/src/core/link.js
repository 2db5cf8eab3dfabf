// The page's one socket and one timer. When to connect, and how long to wait, is the client's
// decision.

import { closed, message, opened, timeout } from "lightspeed-wasm";
import { go, state, tell } from "./page.js";
import { sessions } from "./document.js";
import { tellReset } from "./fields.js";

/** Where sockets are opened. */
let url;
let socket;
let timer;
let timerDue = Infinity;
/** When the timer is to be due, until it is set. */
let wanted;

/** Sockets in a row that were closed since one was open. */
let failures = 0;
const ASKED_AFTER = [4, 8, 32];

export function linkTo(newUrl) {
  url = newUrl;
}

/** Opens a socket. */
export function connect() {
  disconnect();
  // What an abandoned socket still says is nobody's business.
  const own = (socket = new WebSocket(url));
  own.binaryType = "arraybuffer";
  // One after the other: what comes behind a compressed message, and the end, waits until that is
  // inflated. Without one before it, it is handled as soon as the event that brings it has ended.
  let last;
  const take = async (before, handle, what) => {
    await before;
    const bytes = await what;
    if (own !== socket) return;
    tellReset();
    handle(bytes);
  };
  own.onopen = () => {
    failures = 0;
    last = take(last, opened);
  };
  own.onmessage = ({ data }) => (last = take(last, message, frameOf(new Uint8Array(data))));
  own.onclose = () => (last = take(last, end));
}

/** The frame that a message is: no frame begins with a 0, and few pages load what inflates the messages that do. */
const frameOf = (bytes) =>
  bytes[0]
    ? bytes
    : import("./inflate.js").then(({ inflated }) => inflated(bytes)).catch(() => {
        // The next socket is asked for without, as a browser may not load again what it could not.
        [url] = url.split("?");
        return bytes;
      });

function end() {
  socket = undefined;
  closed();
  // Asks for the reason, and not for ever; few pages ever load what does.
  if (ASKED_AFTER.includes(++failures))
    import("./why.js").then((why) => why.ask(url, sessions, state, tell, go)).catch(() => {});
}

/** Lets the socket go. */
export function disconnect() {
  const own = socket;
  socket = undefined;
  own?.close();
}

/** Sends a message, when the socket is open; the bytes are only valid during the call. */
export function transmit(bytes) {
  if (socket?.readyState === 1) socket.send(bytes);
}

/** Calls the client's `timeout` when `performance.now()` is `due`, or before. */
export function schedule(due) {
  // Most timeouts move away before they are due; one that comes too early does no harm.
  if (due >= timerDue) return;
  // Set once for all that a message causes, and after those have heard of it who watch the document.
  if (wanted === undefined) queueMicrotask(setTimer);
  wanted = due;
}

function setTimer() {
  clearTimeout(timer);
  timerDue = wanted;
  wanted = undefined;
  // The client's clock counts whole milliseconds.
  timer = setTimeout(run, Math.max(0, timerDue + 1 - performance.now()));
}

function run() {
  timerDue = Infinity;
  timeout();
}
