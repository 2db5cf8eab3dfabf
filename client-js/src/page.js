// The live parts of the page, and how their links are.

import { refresh_failed, tokens } from "lightspeed-wasm";
import { sessions } from "./document.js";
import { abandon } from "./events.js";
import { decode, encode } from "./text.js";

/** By the codes that the client gives. */
const STATES = ["connecting", "connected", "disconnected", "failed"];
/** How long a message stays. */
const TELL_MS = 10_000;
/** What the whole page is: the first of these that any of its sessions is. */
const PRECEDENCE = [3, 2, 0, 1];

export const viewsIn = (root) => [...root.querySelectorAll("lightspeed-view")];

/** The tokens of views, as lines. */
export const tokensOf = (views) => views.map((view) => view.dataset.session ?? "").join("\n");

/** A session's link has changed. */
export function state(number, code) {
  const session = sessions[number - 1];
  session.state = code;
  if (STATES[code] === "failed") abandon(session);
  show(session.view, code);
  show(document.documentElement, PRECEDENCE.find((one) => sessions.some((other) => other.state === one)));
  announce(session.view, STATES[code]);
}

/** Later, so that a listener may do anything. */
function announce(view, name, detail) {
  queueMicrotask(() => view.dispatchEvent(new CustomEvent(`lightspeed:${name}`, { bubbles: true, detail })));
}

function show({ classList }, code) {
  STATES.forEach((name, index) => classList.toggle(`lightspeed-${name}`, index === code));
}

/** A session has ended for good. */
export function failed(number, reason, message) {
  console.warn(`lightspeed: ended: ${decode(message)} (${reason})`);
  refused(number, message);
}

/** The field or the form whose event is being sent. */
let origin;

/** Sends an event of `node`: when it isn't taken, that is told there. */
export function from(node, send) {
  origin = node;
  const seq = send();
  origin = undefined;
  return seq;
}

/** Something that the person did had no effect, or something else went wrong. */
export function refused(number, bytes) {
  const message = decode(bytes);
  announce(origin ?? sessions[number - 1].view, "refused", message);
  // What is merely no longer there needs no words.
  if (!message) return;
  const all = [...document.querySelectorAll("[data-lightspeed-message]")];
  const form = origin?.form ?? origin;
  const near = all.filter((one) => form && one.closest("form") === form);
  for (const one of near[0] ? near : all) {
    one.textContent = message;
    setTimeout(() => one.textContent === message && (one.textContent = ""), TELL_MS);
  }
}

/** Fetches the page again, for new tokens. */
export async function refresh() {
  try {
    const response = await fetch(location.href, { headers: { accept: "text/html" }, cache: "no-store" });
    if (!response.ok) throw response;
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
    tokens(encode(tokensOf(viewsIn(fresh))));
  } catch {
    refresh_failed();
  }
}
