// Finds out why a page's socket doesn't open. A browser doesn't tell what the answer to a WebSocket was, so the socket's
// address is asked for a plain answer, as a page of the same origin does. The client loads this when some sockets in a row
// have failed; it is no part of what every page loads.

import { LINK_BLOCKED, LINK_CONNECTED, LINK_FAILED } from "../core/links.js";

/** Opens a socket; whether that works. */
const opens = (url) =>
  new Promise((resolve) => {
    const socket = new WebSocket(url);
    socket.onopen = () => {
      socket.close();
      resolve(true);
    };
    socket.onclose = () => resolve(false);
  });

/** Says at every live part of `page` that the socket at `url` doesn't open, until it is open again. */
export async function ask(url, page) {
  const address = url.replace("ws", "http");
  // What fails here as well is a network or a server that is away: the client goes on trying, and says that already.
  const response = await fetch(address, { method: "POST", redirect: "manual", cache: "no-store" });
  const { status, type, headers } = response;
  if (status >= 500 || [408, 425, 429].includes(status)) return;
  // Whoever lets nobody through who isn't signed in does so with the page, too.
  const isSignedOut = type === "opaqueredirect" || status === 401;
  if (isSignedOut && page.go()) return;
  const isPlain = /^text\/plain\b/.test(headers.get("content-type"));
  const text = isPlain ? (await response.text()).trim().slice(0, 1000) : "";
  // It may have come back meanwhile.
  if (await opens(url)) return;
  const answer = isSignedOut ? "asks to sign in" : `is answered with status ${status}`;
  const mend = text || "Whatever stands before the server has to pass this address on to it, and WebSockets with it.";
  const message = `This page's live socket can't be opened: ${address.split("?")[0]} ${answer}. ${mend}`;
  console.warn(`lightspeed: ${message}`);
  const waiting = page.sessions.filter(({ state }) => state !== LINK_CONNECTED && state !== LINK_FAILED);
  for (const { number } of waiting) page.state(number, LINK_BLOCKED, message);
  if (waiting.length) page.tell(message);
}
